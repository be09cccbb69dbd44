import { currentOperation } from 'nestjs-cancelable/worker';
import type { Sale } from './sale.js';

/**
 * Runs in a thread. How sure is it that a region sells most? Draws as many sales as there are, at
 * random and with replacement, as often as there is time for, and counts who leads.
 *
 * @returns the percentage of the draws that each region leads in
 */
export async function rank(
  sales: readonly Sale[],
  seconds: number,
): Promise<Record<string, number>> {
  const operation = currentOperation();
  const began = performance.now();
  const total = seconds * 1_000;
  const wins: Record<string, number> = {};
  let draws = 0;
  for await (const leader of operation.stream(leaders(sales, began + total), { buffer: 0 })) {
    wins[leader] = (wins[leader] ?? 0) + 1;
    if (++draws % 100 !== 0) continue;
    const current = Math.min(Math.round(performance.now() - began), total);
    operation.reportProgress({ message: `draws: ${draws}`, current, total });
  }
  return Object.fromEntries(
    Object.entries(wins).map(([region, count]) => [region, Math.round((100 * count) / draws)]),
  );
}

/** The leader of one draw after the other, until the time has come; of one at least. */
function* leaders(sales: readonly Sale[], until: number): Generator<string> {
  do {
    const sums: Record<string, number> = {};
    for (let drawn = 0; drawn < sales.length; drawn++) {
      const { region, amount } = sales[Math.floor(Math.random() * sales.length)]!;
      sums[region] = (sums[region] ?? 0) + amount;
    }
    yield Object.entries(sums).reduce((best, each) => (each[1] > best[1] ? each : best))[0];
  } while (performance.now() < until);
}
