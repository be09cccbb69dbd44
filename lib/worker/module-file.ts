import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * A module's file: `new URL('./work.js', import.meta.url)`, a path, or the text of a `file:` URL.
 * A relative path counts from the working directory.
 *
 * @publicApi
 */
export type ModuleFile = string | { readonly href: string };

/** @throws TypeError when it is no file */
export function urlOf(file: ModuleFile, where: string): string {
  const text: unknown = typeof file === 'object' && file !== null ? file.href : file;
  if (typeof text !== 'string' || text === '') {
    throw new TypeError(
      `${where}: ${String(file)} is no module file. Allowed: a path, or new URL('./work.js', import.meta.url).`,
    );
  }
  if (/^(?:file|data):/.test(text)) return text;
  return pathToFileURL(isAbsolute(text) ? text : resolve(text)).href;
}
