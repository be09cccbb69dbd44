// Compiles what runs outside jest, once before all tests, into `dist-test/`: a process that has its
// own file compiled starts in half the time that it takes to load TypeScript.
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import options from '../../swc.config.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = join(root, 'dist-test');
const NOT_OURS = /^(lib\/dashboard\/page|test\/pasted-[^/]*)\//;

/** What the files of the folder call the package, as `exports` of package.json. */
const manifest = {
  name: 'nestjs-cancelable',
  type: 'module',
  exports: { '.': './lib/index.js', './*': './lib/*/index.js' },
};

async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const changedAt = async (file) => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;

/** Another run may read the same file meanwhile: it is there as a whole, or as it was. */
async function replace(file, write) {
  const own = join(target, randomUUID());
  await write(own);
  await rename(own, file);
}

async function compileFile(name, settingsChangedAt) {
  const source = join(root, name);
  const compiled = join(target, name.replace(/\.ts$/, '.js'));
  if ((await changedAt(compiled)) > Math.max(await changedAt(source), settingsChangedAt)) return;
  await mkdir(dirname(compiled), { recursive: true });
  if (!name.endsWith('.ts')) return replace(compiled, (own) => copyFile(source, own));
  // Without maps, which a process would read, and not use.
  const { code } = await transformFile(source, { ...options, sourceMaps: false, swcrc: false });
  await replace(compiled, (own) => writeFile(own, code));
}

export default async function compile() {
  const settingsChangedAt = Math.max(
    await changedAt(join(root, 'swc.config.js')),
    await changedAt(fileURLToPath(import.meta.url)),
  );
  const folders = ['lib', 'test', 'sample'].map((folder) => filesOf(join(root, folder)));
  const names = (await Promise.all(folders))
    .flat()
    .map((file) => file.slice(root.length))
    .filter((name) => !NOT_OURS.test(name));
  await mkdir(target, { recursive: true });
  await replace(join(target, 'package.json'), (own) => writeFile(own, JSON.stringify(manifest)));
  await Promise.all(names.map((name) => compileFile(name, settingsChangedAt)));

  const kept = new Set(names.map((name) => join(target, name.replace(/\.ts$/, '.js'))));
  for (const folder of ['lib', 'test', 'sample']) {
    for (const file of await filesOf(join(target, folder))) {
      if (!kept.has(file)) await rm(file, { force: true });
    }
  }
}
