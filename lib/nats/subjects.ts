/** Stand for what a token of a subject cannot be: empty, or with a dot in it. */
const EMPTY = '=';
const DOT = '%';

/** The subject of a channel: `reports:all` → `cancelable.reports.all`. No two channels share one. */
export function subjectOf(prefix: string, channel: string): string {
  const tokens = channel
    .split(':')
    .map((token) => (token === '' ? EMPTY : token.replaceAll('.', DOT)));
  return [prefix, ...tokens].join('.');
}

/**
 * The bucket of the leases: `reports.eu` → `reports_-eu-leases`, since its name can have no dot. No
 * two prefixes share one.
 */
export function bucketOf(prefix: string): string {
  return `${prefix.replaceAll('_', '__').replaceAll('.', '_-')}-leases`;
}
