import { describe, expect, it } from '@jest/globals';
import { compileBlocks } from './blocks.js';
import { pages } from './pages.js';

describe('the code in the documentation', () => {
  it('compiles, every block of it', () => {
    expect(compileBlocks(pages)).toEqual([]);
  });

  it('says `ts` where it is TypeScript, so that it is compiled', () => {
    const others = pages.flatMap(({ path, fences }) =>
      fences
        .filter(({ language }) => /^(|typescript|tsx?x|js|javascript|mts|cts)$/.test(language))
        .map(({ line }) => `${path}:${line - 1}`),
    );
    expect(others).toEqual([]);
  });
});

describe('the check of the code in the documentation', () => {
  const page = (...fences: [line: number, code: string, continues?: boolean][]) => ({
    path: 'docs/page.md',
    text: '',
    prose: '',
    fences: fences.map(([line, code, continues = false]) => ({
      language: 'ts',
      line,
      code: `${code}\n`,
      continues,
    })),
  });

  it('names the page and the line of an error', () => {
    const broken = page(
      [10, 'const a = 1;\nconst b: string = a;'],
      [20, '@Get()\nget() {\n  return this.nothing;\n}'],
    );
    expect(compileBlocks([broken])).toEqual([
      "docs/page.md:11: Type 'number' is not assignable to type 'string'.",
      "docs/page.md:22: Property 'nothing' does not exist on type 'Example'.",
    ]);
  });

  it('knows other files of the page, and what a block continues', () => {
    const good = page(
      [3, '// one.ts\nexport const one = 1;'],
      [10, "import { one } from './one.js';"],
      [14, 'const two: 2 = (one + 1) as 2;', true],
    );
    expect(compileBlocks([good])).toEqual([]);
  });

  it('sees that a name is not exported', () => {
    const wrong = page([3, "import { Cancellable } from 'nestjs-cancelable';"]);
    expect(compileBlocks([wrong])).toHaveLength(1);
  });
});
