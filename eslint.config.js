import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { layers as importLayers } from './.dependency-cruiser.mjs';

const layers = Object.keys(importLayers);
/** What runs in a browser, and has a configuration of TypeScript of its own. */
const page = 'lib/dashboard/page/**/*.{ts,tsx}';

export default defineConfig(
  {
    ignores: [
      'dist/',
      'dist-sample/',
      'dist-test/',
      'coverage/',
      'docs-api/',
      'screenshots/',
      'test/pasted-*/',
    ],
  },
  js.configs.recommended,
  {
    // Compiled against the packed types by scripts/check-package.mjs only.
    files: ['scripts/**/*.ts'],
    extends: [tseslint.configs.recommended],
  },
  {
    files: ['lib/**/*.ts', 'test/**/*.ts', 'sample/**/*.ts', page],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './lib/dashboard/page/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['lib/**/*.ts', page],
    rules: {
      'no-console': 'error',
      // A file has one reason to change.
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      // What users throw and pass is handed on and described as it is, whatever it is.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
  {
    // A barrel hides where a name comes from and invites circles: only entry points re-export.
    files: ['lib/**/*.ts', page],
    ignores: ['lib/index.ts', 'lib/*/index.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportAllDeclaration, ExportNamedDeclaration[source]',
          message: 'No barrels inside lib: import the file that has the thing.',
        },
      ],
    },
  },
  {
    files: [`lib/{${layers.join(',')}}/**/index.ts`, 'lib/*/*/**/index.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'Program',
          message:
            'index.ts is the name of an entry point: lib/index.ts or lib/<sub-path>/index.ts.',
        },
      ],
    },
  },
  {
    // Tests and samples hand over broken values and stub parts of foreign interfaces on purpose.
    files: ['test/**/*.ts', 'sample/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'AbortController',
          'AbortSignal',
          'Buffer',
          'TextDecoder',
          'URL',
          'clearInterval',
          'clearTimeout',
          'console',
          'fetch',
          'performance',
          'process',
          'setImmediate',
          'setInterval',
          'setTimeout',
          'structuredClone',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
  },
);
