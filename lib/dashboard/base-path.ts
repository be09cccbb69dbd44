import type { DashboardRequest } from './dashboard-options.js';

/** What a proxy may say; anything else would lead the browser elsewhere. */
const PREFIX = /^(?:\/[\w.~%-]+)+\/?$/;

/**
 * The path of the page as the browser sees it, with a slash at its end: what the page's own addresses
 * begin with.
 *
 * @param configured `basePath`
 * @param url the request's, as the HTTP server got it
 */
export function basePathOf(
  request: DashboardRequest,
  configured: string | undefined,
  url: string,
): string {
  if (configured !== undefined) return withSlash(configured);
  const path = url.split('?', 1)[0] ?? '/';
  const prefix = request.headers['x-forwarded-prefix'];
  if (typeof prefix === 'string' && PREFIX.test(prefix)) {
    return withSlash(prefix.replace(/\/$/, '') + path);
  }
  // Relative, so that it is right whatever a proxy has put before it.
  const last = path.split('/').at(-1) ?? '';
  return last === '' ? './' : `./${last}/`;
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
