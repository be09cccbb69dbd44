import type { StatisticsAnswer } from '../../api-types.js';
import { usePolled } from '../data/poll.js';
import { chartsOf, usable } from '../logic/series.js';
import { formatCount, formatDuration } from '../logic/format.js';
import { Failure } from '../parts/completeness.js';
import { ChartFigure } from './chart-figure.js';
import { NamesTable } from './names-table.js';

const REFRESH = 5_000;

export function ChartsView() {
  const { answer, error } = usePolled<StatisticsAnswer>('statistics', '', REFRESH);
  const samples = usable(answer?.samples ?? []);
  return (
    <main id="main" tabIndex={-1} class="charts-view">
      <h1 class="unseen">Charts</h1>
      <Failure error={error} />
      {answer !== undefined && (
        <>
          <Totals statistics={answer.statistics} />
          {samples.length < 2 ? (
            <p class="panel muted">The charts begin when ten seconds have been measured.</p>
          ) : (
            <div class="figures-grid">
              {chartsOf(samples).map((chart) => (
                <ChartFigure key={chart.title} chart={chart} samples={samples} />
              ))}
            </div>
          )}
          <NamesTable byName={answer.statistics.byName} />
        </>
      )}
    </main>
  );
}

function Totals({ statistics }: Pick<StatisticsAnswer, 'statistics'>) {
  const { live, byStatus, refused, zombies, duration, cancelLatency } = statistics;
  const totals: readonly (readonly [string, string])[] = [
    ['Live', formatCount(live)],
    ['Completed', formatCount(byStatus.completed)],
    ['Failed', formatCount(byStatus.failed)],
    ['Canceled', formatCount(byStatus.canceled)],
    ['Refused', formatCount(refused)],
    ['Zombies', formatCount(zombies)],
    ['Duration p95', formatDuration(duration.p95)],
    ['Cancel latency p95', formatDuration(cancelLatency.p95)],
  ];
  return (
    <section aria-label="Since the start">
      <dl class="figures">
        {totals.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class="number">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
