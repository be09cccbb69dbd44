import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

describe('the types', () => {
  it('take what is promised and refuse misuse', () => {
    const { config } = ts.readConfigFile(path('../../tsconfig.json'), (file) =>
      ts.sys.readFile(file),
    ) as { config: object };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, path('../..'));
    const files = readdirSync(path('.')).filter((file) => !file.endsWith('.test.ts'));
    const program = ts.createProgram(files.map(path), options);

    const errors = files.flatMap((file) =>
      program
        .getSemanticDiagnostics(program.getSourceFile(path(file)))
        .map(
          ({ start, messageText }) =>
            `${file}:${start}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
        ),
    );

    expect(files.length).toBeGreaterThan(0);
    expect(errors).toEqual([]);
  });
});
