import { useEffect, useRef } from 'preact/hooks';
import type { StatisticsSample } from '../../api-types.js';
import { paint } from '../data/theme.js';
import { useStore } from '../data/store.js';
import { formatClock } from '../logic/format.js';
import type { Chart } from '../logic/series.js';
import { drawChart, type DrawnChart, formatValue } from './draw-chart.js';

/** Rows of the table that says the same as the drawing. */
const ROWS = 30;

interface ChartFigureProps {
  readonly chart: Chart;
  readonly samples: readonly StatisticsSample[];
}

export function ChartFigure({ chart, samples }: ChartFigureProps) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnChart | undefined>(undefined);
  const painted = useStore(paint);
  const key = `${chart.lines.map(({ label }) => label).join()}:${painted}`;
  const times = samples.map(({ at }) => at / 1_000);
  useEffect(() => {
    if (place.current === null || chart.lines.length === 0) return undefined;
    const current = drawChart(place.current, chart, times);
    drawn.current = current;
    return () => {
      drawn.current = undefined;
      current.remove();
    };
  }, [key]);
  useEffect(() => drawn.current?.update(chart, times), [samples]);
  const isEmpty = chart.lines.length === 0;
  return (
    <figure class="panel chart">
      <figcaption>{chart.title}</figcaption>
      {isEmpty ? (
        <p class="muted">Nothing yet.</p>
      ) : (
        <>
          <div ref={place} class="plot" aria-hidden="true" />
          <Numbers chart={chart} samples={samples} />
        </>
      )}
    </figure>
  );
}

function Numbers({ chart, samples }: ChartFigureProps) {
  const { title, lines, unit } = chart;
  const first = Math.max(0, samples.length - ROWS);
  return (
    <details>
      <summary>
        Numbers<span class="unseen"> of {title}</span>
      </summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${title} as a table`}>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              {lines.map(({ label }) => (
                <th scope="col" key={label}>
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {samples
              .slice(first)
              .map(({ at }, index) => (
                <tr key={at}>
                  <th scope="row">{formatClock(at)}</th>
                  {lines.map(({ label, values }) => (
                    <td key={label}>{formatValue(values[first + index] ?? null, unit)}</td>
                  ))}
                </tr>
              ))
              .reverse()}
          </tbody>
        </table>
      </div>
    </details>
  );
}
