import { createRequire } from 'node:module';
import { join, sep } from 'node:path';

/**
 * The copies of a CommonJS package that the process has loaded: a library may bring one of its own,
 * which is not the one that others find.
 *
 * @param name of the package
 * @param main its main file, as `lib/index.js`
 */
export function loadedCopies(name: string, main: string): unknown[] {
  const ending = ['', 'node_modules', ...name.split('/'), ...main.split('/')].join(sep);
  const { cache } = createRequire(join(process.cwd(), 'index.js'));
  return Object.keys(cache)
    .filter((file) => file.endsWith(ending))
    .map((file) => cache[file]?.exports as unknown)
    .filter((exported) => exported !== undefined);
}
