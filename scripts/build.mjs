// Builds the package in both formats: dist (ES modules, by tsc) and dist/cjs (CommonJS, by swc from
// the same sources, with the same declarations).
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'lib');
const dist = join(root, 'dist');
const cjs = join(dist, 'cjs');

const filesOf = (folder, ending) =>
  readdirSync(folder, { recursive: true })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith(ending));

/** What `import.meta` and a dynamic import of a package become where neither exists. */
function toCommonJs(file) {
  const { code } = transformSync(readFileSync(file, 'utf8'), {
    filename: file,
    swcrc: false,
    configFile: false,
    jsc: {
      target: 'es2023',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
      keepClassNames: true,
      externalHelpers: false,
    },
    // A file of the user's is loaded by a real `import()`, which takes both formats.
    module: { type: 'commonjs', ignoreDynamic: true },
  });
  return code.replaceAll(
    /\bimport\((['"][^'"]+['"])\)/g,
    'Promise.resolve().then(() => require($1))',
  );
}

rmSync(dist, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
);

for (const source of filesOf(lib, '.ts')) {
  const target = join(cjs, relative(lib, source)).replace(/\.ts$/, '.js');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, toCommonJs(source));
}
for (const declaration of filesOf(dist, '.d.ts')) {
  if (declaration.startsWith(cjs)) continue;
  copyFileSync(declaration, join(cjs, relative(dist, declaration)));
}
writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }\n');
