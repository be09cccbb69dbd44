// Numbers and times as people read them.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const pad = (value: number) => String(value).padStart(2, '0');

/** @param span milliseconds */
export function formatDuration(span: number): string {
  if (!Number.isFinite(span)) return '–';
  if (span < 0) return `−${formatDuration(-span)}`;
  if (span < 10) return `${trim(span, span < 1 && span > 0 ? 2 : 1)} ms`;
  if (span < SECOND) return `${Math.round(span)} ms`;
  if (span < 10 * SECOND) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`;
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR)
    return `${Math.floor(span / MINUTE)} m ${pad(Math.floor((span % MINUTE) / SECOND))} s`;
  if (span < DAY)
    return `${Math.floor(span / HOUR)} h ${pad(Math.floor((span % HOUR) / MINUTE))} m`;
  return `${Math.floor(span / DAY)} d ${Math.floor((span % DAY) / HOUR)} h`;
}

/** For what is only guessed. */
export function formatRoughly(span: number): string {
  return span >= MINUTE && span < HOUR ? `${Math.round(span / MINUTE)} m` : formatDuration(span);
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

const counts = new Intl.NumberFormat('en');
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export function formatCount(count: number): string {
  return counts.format(count);
}

/** @example countOf(2, 'operation') // '2 operations' */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** @param rate something per second */
export function formatRate(rate: number): string {
  if (rate === 0) return '0/s';
  return rate < 10 ? `${trim(rate, rate < 1 ? 2 : 1)}/s` : `${compact.format(rate)}/s`;
}

const clockTime = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const dateAndTime = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});

/** @param at milliseconds since the epoch */
export function formatClock(at: number): string {
  return clockTime.format(at);
}

/** @param iso ISO 8601 */
export function formatMoment(iso: string): string {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? iso : dateAndTime.format(at);
}

const shortDate = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/**
 * The time of today, and the date before it of another day.
 *
 * @param iso ISO 8601
 * @param now milliseconds since the epoch
 */
export function formatShortMoment(iso: string, now: number): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const day = shortDate.format(at);
  return day === shortDate.format(now) ? formatClock(at) : `${day}, ${formatClock(at)}`;
}
