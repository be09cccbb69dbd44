import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

describe('the recipes', () => {
  const names = readdirSync('docs/recipes').map((file) => file.replace(/\.md$/, ''));

  it.each(names)('%s: is in the index, and is run by a test of its name', (name) => {
    expect(readFileSync('docs/recipes.md', 'utf8')).toContain(`(recipes/${name}.md)`);
    expect(existsSync(`test/recipes/${name}.test.ts`)).toBe(true);
    expect(readFileSync(`docs/recipes/${name}.md`, 'utf8')).toContain(
      `Run by \`test/recipes/${name}.test.ts\``,
    );
  });
});
