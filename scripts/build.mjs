// Builds the package in both formats: dist (ES modules) and dist/cjs (CommonJS), of which a process
// evaluates one, whichever comes first, with the same declarations.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';
import { shareModule } from './build/share-module.mjs';
import { buildPage } from './build-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const cjs = join(dist, 'cjs');
const read = (file) => readFileSync(file, 'utf8');

const filesOf = (folder, ending) =>
  readdirSync(folder, { recursive: true })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith(ending));

/** What `import.meta` and a dynamic import of a package become where neither exists. */
function toCommonJs(code) {
  const output = transformSync(code, {
    swcrc: false,
    configFile: false,
    jsc: { target: 'es2023', parser: { syntax: 'ecmascript' }, externalHelpers: false },
    // A file of the user's is loaded by a real `import()`, which takes both formats.
    module: { type: 'commonjs', ignoreDynamic: true },
  });
  return output.code.replaceAll(
    /\bimport\((['"][^'"]+['"])\)/g,
    'Promise.resolve().then(() => require($1))',
  );
}

const posix = (path) => path.split(sep).join('/');

/** The path by which a file imports another of the package. */
function pathTo(target, from) {
  const path = posix(relative(dirname(from), target));
  return path.startsWith('.') ? path : `./${path}`;
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

const modules = filesOf(dist, '.js').sort();
const declarations = filesOf(dist, '.d.ts');
const build = createHash('sha256');
const helperTemplate = read(join(root, 'scripts/build/shared-modules.js'));
for (const code of [...modules.map(read), helperTemplate]) build.update(code);
const { version } = JSON.parse(read(join(root, 'package.json')));
const helper = join(dist, 'shared-modules.js');
writeFileSync(
  helper,
  helperTemplate.replace('VERSION', version).replace('BUILD', build.digest('hex').slice(0, 12)),
);
for (const module of modules) {
  const name = posix(relative(dist, module)).replace(/\.js$/, '');
  writeFileSync(module, shareModule(read(module), name, pathTo(helper, module)));
}

for (const module of [helper, ...modules]) {
  const target = join(cjs, relative(dist, module));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, toCommonJs(read(module)));
}
for (const declaration of declarations) {
  copyFileSync(declaration, join(cjs, relative(dist, declaration)));
}

// What a browser loads lies beside the file that serves it.
await buildPage(join(dist, 'dashboard/page'));
cpSync(join(dist, 'dashboard/page'), join(cjs, 'dashboard/page'), { recursive: true });

writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }\n');
