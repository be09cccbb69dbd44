import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';
import options from '../../swc.config.js';

const packageName = /^nestjs-cancelable(?!\/package\.json$)(\/.+)?$/;
const lib = new URL('../../lib', import.meta.url).href;

/** The package's own name and the `.js` of a TypeScript file lead to the sources. */
export function resolve(specifier, context, next) {
  const ours = packageName.exec(specifier);
  if (ours) return next(`${lib}${ours[1] ?? ''}/index.ts`, context);

  if (/^\.{1,2}\/.+\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(source)) return next(source.href, context);
  }
  // What starts a thread names a file of the build.
  if (/^file:.+\.js$/.test(specifier) && !specifier.includes('/node_modules/')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'));
    if (existsSync(source)) return next(source.href, context);
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { code } = await transformFile(fileURLToPath(url), { ...options, swcrc: false });
  return { format: 'module', source: code, shortCircuit: true };
}
