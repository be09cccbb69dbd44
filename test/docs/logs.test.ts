import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type LogCall, logCallsIn } from './log-calls.js';
import { pages } from './pages.js';

interface Row {
  readonly level: string;
  readonly message: string;
}

const page = pages.find(({ path }) => path === 'docs/logs.md');
const rows: Row[] = [...(page?.text ?? '').matchAll(/^\| `(\w+)` +\| `([^`]+)`/gm)].map(
  ([, level = '', message = '']) => ({ level, message }),
);
const calls = readdirSync('lib', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => logCallsIn(join('lib', path)));

/** A row has the beginning of a line, with … for what is only known later. */
function describes(row: Row, call: LogCall): boolean {
  if (row.level !== call.level) return false;
  let from = 0;
  for (const part of row.message.split('…').map((each) => each.trim())) {
    from = call.text.indexOf(part, from);
    if (from < 0) return false;
    from += part.length;
  }
  return row.message.startsWith('…') || call.text.startsWith(row.message.split('…')[0]!.trim());
}

describe('the table of what is logged', () => {
  it('has a row for each line of the code, with its level', () => {
    expect(calls.length).toBeGreaterThan(40);
    expect(calls.filter((call) => !rows.some((row) => describes(row, call)))).toEqual([]);
  });

  it('has no row without such a line', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((row) => !calls.some((call) => describes(row, call)))).toEqual([]);
  });
});
