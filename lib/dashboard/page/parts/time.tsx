import type { DashboardOperation } from '../../api-types.js';
import { useNowWhile } from '../data/clock.js';
import { formatDuration, formatRoughly } from '../logic/format.js';
import { isLive } from '../logic/marks.js';
import { Text } from './text.js';

interface Props {
  readonly operation: DashboardOperation;
}

/** How long it has run so far, or did. */
export function Age({ operation }: Props) {
  const live = isLive(operation);
  const now = useNowWhile(live);
  const age = live ? Math.max(0, now - Date.parse(operation.startedAt)) : operation.durationMs;
  return <span class="number">{formatDuration(age)}</span>;
}

/** How much is left until its deadline, as a bar that shrinks. */
export function Deadline({ operation }: Props) {
  const live = isLive(operation);
  const now = useNowWhile(live && operation.deadline !== undefined);
  if (operation.deadline === undefined) return null;
  const start = Date.parse(operation.startedAt);
  const end = Date.parse(operation.deadline);
  const until = live ? now : Date.parse(operation.endedAt ?? operation.startedAt);
  const left = end - until;
  const share = Math.min(1, Math.max(0, left / Math.max(1, end - start)));
  return (
    <span class={`meter deadline ${left < 0 ? 'over' : share < 0.2 ? 'near' : ''}`}>
      <span class="number">{labelOf(left, operation)}</span>
      <Bar share={share} />
    </span>
  );
}

function labelOf(left: number, operation: DashboardOperation): string {
  if (isLive(operation)) {
    return left >= 0 ? `${formatDuration(left)} left` : `${formatDuration(-left)} over`;
  }
  if (operation.reason === 'timeout') return 'passed';
  return left >= 0 ? `${formatDuration(left)} to spare` : `${formatDuration(-left)} over`;
}

/** How far it is, how fast, and how long it will take. */
export function Progress({ operation }: Props) {
  const { progress } = operation;
  if (progress === undefined) return null;
  const { percent, rate, remaining, current, message } = progress;
  const parts: readonly (readonly [key: string, text: string | undefined])[] = [
    ['done', percent === undefined ? current?.toString() : `${percent} %`],
    ['rate', rate === undefined ? undefined : `${formatShort(rate)}/s`],
    [
      'remaining',
      remaining === undefined || !isLive(operation)
        ? undefined
        : `${formatRoughly(remaining)} left`,
    ],
  ];
  const said = parts.filter(([, text]) => text !== undefined);
  return (
    <span class="meter progress">
      <span class="number">
        {said.length > 0
          ? said.map(([key, text], index) => (
              <span key={key} class={key}>
                {index > 0 && ' · '}
                {text}
              </span>
            ))
          : message !== undefined && <Text of={message} />}
      </span>
      {percent !== undefined && <Bar share={percent / 100} />}
    </span>
  );
}

function formatShort(rate: number): string {
  return rate >= 100 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
}

/** Decoration: the text above it says the same. */
function Bar({ share }: { readonly share: number }) {
  return (
    <span class="track" aria-hidden="true">
      <span class="fill" style={{ transform: `scaleX(${share})` }} />
    </span>
  );
}
