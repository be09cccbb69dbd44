import type { DashboardOperation, OperationDetail } from '../../api-types.js';
import { cancelRequest } from '../data/cancel-requests.js';
import { useDetail } from '../data/detail.js';
import { leave, replaceOperation, route } from '../data/location.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { hashOf } from '../logic/route.js';
import { clip } from '../logic/visible-text.js';
import { Completeness, Failure } from '../parts/completeness.js';
import { Icon } from '../parts/icons.js';
import { Link, OperationLink } from '../parts/link.js';
import { InstanceSwitch } from '../parts/segments.js';
import { MarkOf, Status, Tags } from '../parts/status.js';
import { WholeText } from '../parts/text.js';
import { Age, Deadline, Progress } from '../parts/time.js';
import { OperationData } from './operation-data.js';
import { OperationFacts } from './operation-facts.js';
import { TimeLineView } from './time-line.js';
import { Why } from './why.js';

export function OperationView() {
  const { id = '', params } = useStore(route);
  const all = params.get('instances') === 'all';
  const { answer, error } = useDetail(id, all);
  const isCluster = useStore(session.info)?.cluster === true;
  return (
    <main id="main" tabIndex={-1} class="operation-view">
      <div class="bar">
        <Breadcrumbs answer={answer} all={all} />
        {isCluster && (
          <InstanceSwitch all={all} onChange={(chosen) => replaceOperation(id, chosen)} />
        )}
      </div>
      <Failure error={error} />
      <Completeness {...answer} />
      {answer === undefined ? (
        error === undefined && <p class="muted">Reading…</p>
      ) : (
        <Detail answer={answer} all={all} />
      )}
    </main>
  );
}

interface DetailProps {
  readonly answer: OperationDetail;
  readonly all: boolean;
}

function Detail({ answer, all }: DetailProps) {
  const { operation, descendants, sources } = answer;
  return (
    <>
      <div class="operation-head">
        <div class="operation-name">
          <h1>
            <WholeText of={clip(operation.name, 300)} />
          </h1>
          <div class="badges">
            <Status operation={operation} />
            <MarkOf operation={operation} />
            <Tags of={operation.tags} />
          </div>
        </div>
        {operation.cancelable && (
          <button
            type="button"
            class="danger"
            onClick={() => cancelRequest.set({ what: 'one', operation, all })}
          >
            <Icon name="stop" />
            Cancel operation
          </button>
        )}
      </div>
      <Figures operation={operation} descendants={descendants.length} />
      <Why operation={operation} all={all} />
      <TimeLineView operation={operation} descendants={descendants} all={all} />
      <div class="columns">
        <OperationFacts operation={operation} sources={sources} all={all} />
        <OperationData operation={operation} />
      </div>
    </>
  );
}

interface FiguresProps {
  readonly operation: DashboardOperation;
  readonly descendants: number;
}

/** The few numbers that one looks for first. */
function Figures({ operation, descendants }: FiguresProps) {
  return (
    <dl class="figures">
      <div>
        <dt>{operation.endedAt === undefined ? 'Age' : 'Duration'}</dt>
        <dd>
          <Age operation={operation} />
        </dd>
      </div>
      <div>
        <dt>Deadline</dt>
        <dd>{operation.deadline === undefined ? 'none' : <Deadline operation={operation} />}</dd>
      </div>
      <div>
        <dt>Progress</dt>
        <dd>
          {operation.progress === undefined ? 'not reported' : <Progress operation={operation} />}
        </dd>
      </div>
      <div>
        <dt>Operations below it</dt>
        <dd class="number">{descendants}</dd>
      </div>
    </dl>
  );
}

function Breadcrumbs({
  answer,
  all,
}: {
  readonly answer: OperationDetail | undefined;
  readonly all: boolean;
}) {
  return (
    <nav class="breadcrumbs" aria-label="Ancestors">
      <button
        type="button"
        class="twist"
        aria-label="Back"
        aria-keyshortcuts="Escape"
        onClick={leave}
      >
        <Icon name="back" />
      </button>
      <ol>
        <li>
          <Link hash={hashOf('live')}>Operations</Link>
        </li>
        {answer?.ancestors.map(({ id, name }) => (
          <li key={id}>
            <OperationLink id={id} name={clip(name, 60)} all={all} />
          </li>
        ))}
      </ol>
    </nav>
  );
}
