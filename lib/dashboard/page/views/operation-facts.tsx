import type { ComponentChildren } from 'preact';
import type { DashboardOperation } from '../../api-types.js';
import { formatDuration, formatMoment } from '../logic/format.js';
import { isLive, startedBy } from '../logic/marks.js';
import { OperationLink } from '../parts/link.js';
import { WholeText } from '../parts/text.js';

interface OperationFactsProps {
  readonly operation: DashboardOperation;
  readonly sources: readonly string[];
  readonly all: boolean;
}

/** What is known of an operation, one by one. */
export function OperationFacts({ operation, sources, all }: OperationFactsProps) {
  const { id, name, kind, instance, parentId, rootId, startedAt, endedAt } = operation;
  const { canceledAt, deadline, zombie, overran, progress } = operation;
  const who = startedBy(operation);
  const moment = (iso: string | undefined) =>
    iso === undefined ? undefined : <time dateTime={iso}>{formatMoment(iso)}</time>;
  const stopped =
    canceledAt === undefined || endedAt === undefined
      ? undefined
      : formatDuration(Date.parse(endedAt) - Date.parse(canceledAt));
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        <Fact label="Id">
          <code>
            <WholeText of={id} />
          </code>
        </Fact>
        <Fact label="Name">
          <WholeText of={name} />
        </Fact>
        <Fact label="Kind">{kind}</Fact>
        <Fact label="Instance">{instance && <WholeText of={instance} />}</Fact>
        <Fact label="Started by">{who && <WholeText of={who} />}</Fact>
        <Fact label="Parent">
          {parentId && <OperationLink id={parentId} name={parentId} all={all} />}
        </Fact>
        <Fact label="Root">
          {rootId !== id && rootId && <OperationLink id={rootId} name={rootId} all={all} />}
        </Fact>
        <Fact label="Started">{moment(startedAt)}</Fact>
        <Fact label="Deadline">{moment(deadline)}</Fact>
        <Fact label="Canceled">{moment(canceledAt)}</Fact>
        <Fact label="Ended">{moment(endedAt)}</Fact>
        <Fact label="Stopped after">{stopped && `${stopped} from the cancel`}</Fact>
        <Fact label="Ends by">
          {isLive(operation) && sources.length > 0 && <WholeText of={sources.join(', ')} />}
        </Fact>
        <Fact label="Last report">{progress?.message && <WholeText of={progress.message} />}</Fact>
        <Fact label="Reported by">
          {progress && progress.operationId !== id && (
            <OperationLink id={progress.operationId} name={progress.operationName} all={all} />
          )}
        </Fact>
        <Fact label="Zombie">{zombie && 'its body ran on long after the cancel'}</Fact>
        <Fact label="Overran">{overran && 'it ended by itself, but after its deadline'}</Fact>
      </dl>
    </section>
  );
}

interface FactProps {
  readonly label: string;
  readonly children?: ComponentChildren;
}

/** Nothing where there is nothing to say. */
function Fact({ label, children }: FactProps) {
  if (children === undefined || children === false || children === '' || children === null)
    return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
