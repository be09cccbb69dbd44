import { fileURLToPath } from 'node:url';

const root = new URL('../..', import.meta.url).href;

/**
 * The path of a TypeScript file as JavaScript, for what runs in a process or a thread of its own: it
 * was compiled before the tests (see compile.mjs).
 *
 * @param file of a test or a sample: `new URL('worker.fixture.ts', import.meta.url)`
 */
export function compiled(file: URL): string {
  const name = file.href.slice(root.length);
  return fileURLToPath(new URL(`dist-test/${name.replace(/\.ts$/, '.js')}`, root));
}
