import { formatDuration } from '../logic/format.js';
import type { Bar, Stretch, TimeLine } from '../logic/time-line.js';
import { visibleText, clip } from '../logic/visible-text.js';
import { Icon } from '../parts/icons.js';
import { OperationLink } from '../parts/link.js';

/** Deeper than this, rows stand below each other. */
const DEEPEST = 8;

interface TimeLineRowProps {
  readonly bar: Bar;
  readonly line: TimeLine;
  readonly all: boolean;
  /** Pixels. */
  readonly top: number;
  /** From 1. */
  readonly position: number;
}

export function TimeLineRow({ bar, line, all, top, position }: TimeLineRowProps) {
  const { operation, depth, run, canceledAt, deadline, waits } = bar;
  const [from, until] = run;
  const cancel = canceledAt ?? until;
  const at = (share: number) => ({ left: `${share * 100}%` });
  return (
    <li
      class={`lane ${operation.status}`}
      style={{ transform: `translateY(${top}px)` }}
      aria-setsize={line.bars.length}
      aria-posinset={position}
    >
      <span class="lane-name" style={{ '--depth': String(Math.min(depth, DEEPEST)) }}>
        <Icon name={operation.status} />
        <OperationLink id={operation.id} name={operation.name} all={all} />
      </span>
      <span
        class="lane-time"
        role="img"
        aria-label={describe(bar, line)}
        title={describe(bar, line)}
      >
        <span class="stretch work" style={place([from, Math.max(from, cancel)])} />
        {waits.map((stretch, index) => (
          <span key={index} class="stretch wait" style={place(cut(stretch, from, cancel))} />
        ))}
        {canceledAt !== undefined && cancel < until && (
          <span class="stretch after" style={place([Math.max(from, cancel), until])} />
        )}
        {deadline !== undefined && <span class="limit" style={at(deadline)} />}
        {canceledAt !== undefined && <span class="cancel" style={at(canceledAt)} />}
      </span>
    </li>
  );
}

function place([from, until]: Stretch) {
  return { left: `${from * 100}%`, width: `${Math.max(0, until - from) * 100}%` };
}

function cut([from, until]: Stretch, least: number, most: number): Stretch {
  const start = Math.min(Math.max(from, least), most);
  return [start, Math.max(start, Math.min(until, most))];
}

function describe({ operation, run, canceledAt }: Bar, { span }: TimeLine): string {
  const [from, until] = run;
  const parts = [
    `${visibleText(clip(operation.name, 80))}: ${operation.status}`,
    `began at ${formatDuration(from * span)}`,
    `${operation.endedAt === undefined ? 'runs for' : 'ran for'} ${formatDuration((until - from) * span)}`,
    ...(canceledAt === undefined ? [] : [`cancel arrived at ${formatDuration(canceledAt * span)}`]),
  ];
  return parts.join(', ');
}
