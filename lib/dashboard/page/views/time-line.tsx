import { useRef } from 'preact/hooks';
import type { DashboardOperation } from '../../api-types.js';
import { useNowWhile } from '../data/clock.js';
import { formatDuration } from '../logic/format.js';
import { isLive } from '../logic/marks.js';
import { ticksOf, type TimeLine, timeLineOf } from '../logic/time-line.js';
import { useWindow } from '../parts/use-window.js';
import { TimeLineRow } from './time-line-row.js';

/** Pixels; the same as in the styles. */
const ROW = 32;

interface TimeLineViewProps {
  readonly operation: DashboardOperation;
  readonly descendants: readonly DashboardOperation[];
  readonly all: boolean;
}

/** When an operation and those below it ran, what waited for what, and where the cancel arrived. */
export function TimeLineView({ operation, descendants, all }: TimeLineViewProps) {
  const moves = isLive(operation) || descendants.some(isLive);
  const now = useNowWhile(moves);
  const line = timeLineOf(operation, descendants, now);
  const scroller = useRef<HTMLDivElement>(null);
  const { first, until } = useWindow(scroller, line.bars.length, ROW);
  return (
    <section class="panel time-line" aria-labelledby="time-line">
      <div class="panel-head">
        <h2 id="time-line">Time line</h2>
        <Legend />
      </div>
      <Axis line={line} />
      <div
        ref={scroller}
        class="lanes"
        tabIndex={0}
        role="region"
        aria-label="Time line, row by row"
      >
        <ol style={{ height: `${line.bars.length * ROW}px` }}>
          {line.bars.slice(first, until).map((bar, index) => (
            <TimeLineRow
              key={bar.operation.id}
              bar={bar}
              line={line}
              all={all}
              top={(first + index) * ROW}
              position={first + index + 1}
            />
          ))}
        </ol>
      </div>
    </section>
  );
}

function Axis({ line }: { readonly line: TimeLine }) {
  return (
    <div class="axis" aria-hidden="true">
      {ticksOf(line.span).map((tick) => (
        <span key={tick} style={{ left: `${(tick / line.span) * 100}%` }}>
          {tick === 0 ? '0' : formatDuration(tick).replace('.0 ', ' ')}
        </span>
      ))}
    </div>
  );
}

const LEGEND = {
  work: 'working',
  wait: 'waiting for what is below',
  after: 'after the cancel',
  cancel: 'cancel arrived',
  limit: 'deadline',
} as const;

function Legend() {
  return (
    <ul class="legend" aria-label="Legend">
      {Object.entries(LEGEND).map(([key, label]) => (
        <li key={key}>
          <span class={`sample ${key}`} aria-hidden="true" />
          {label}
        </li>
      ))}
    </ul>
  );
}
