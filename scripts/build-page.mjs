// Builds the dashboard's page: a few files that a browser loads from where they are served.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const source = fileURLToPath(new URL('../lib/dashboard/page', import.meta.url));

/** Bytes, compressed, of all files together. */
const LARGEST = 100_000;
/** What a stylesheet may rely on; older browsers get what says the same. */
const BROWSERS = ['chrome111', 'firefox113', 'safari16.4'];

/**
 * @param folder where the page is put; what was there is removed
 * @returns how many bytes its files have together, compressed
 */
export async function buildPage(folder) {
  await build({
    root: source,
    base: './',
    configFile: false,
    envDir: false,
    publicDir: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      cssTarget: BROWSERS,
      assetsInlineLimit: 0,
      sourcemap: false,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  });
  const size = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => gzipSync(readFileSync(join(entry.parentPath, entry.name))).length)
    .reduce((sum, each) => sum + each, 0);
  if (size > LARGEST) {
    throw new Error(`The page has ${size} bytes compressed, and may have ${LARGEST}.`);
  }
  return size;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = fileURLToPath(new URL('../dist/dashboard/page', import.meta.url))] =
    process.argv;
  console.log(`The page has ${await buildPage(folder)} bytes compressed.`);
}
