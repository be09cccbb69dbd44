// A span of time as it stands in an address: 90s, 5m, 2h.

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** @returns milliseconds, or `undefined` for what is no span */
export function parseSpan(text: string): number | undefined {
  const [, number = '', unit = 'ms'] =
    /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const factor = UNITS[unit];
  if (number === '' || factor === undefined) return undefined;
  return Math.round(Number(number) * factor);
}

/** @param span milliseconds */
export function writeSpan(span: number): string {
  const fitting = Object.entries(UNITS)
    .reverse()
    .find(([, factor]) => span >= factor && span % factor === 0);
  const [unit, factor] = fitting ?? ['ms', 1];
  return `${span / factor}${unit}`;
}
