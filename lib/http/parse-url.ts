/**
 * `URL.parse()`, which came with Node 22.1.
 *
 * @returns `undefined` for what is no URL
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
