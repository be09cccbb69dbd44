import type { InstancesAnswer } from '../../api-types.js';
import { address } from '../data/location.js';
import { usePolled } from '../data/poll.js';
import { session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { formatCount, formatMoment } from '../logic/format.js';
import { hashOf } from '../logic/route.js';
import { Completeness, Failure } from '../parts/completeness.js';
import { Icon } from '../parts/icons.js';
import { Text } from '../parts/text.js';

const REFRESH = 3_000;

export function InstancesView() {
  const info = useStore(session.info);
  const { answer, error } = usePolled<InstancesAnswer>('instances', '', REFRESH);
  const all = new URLSearchParams({ instances: 'all' });
  return (
    <main id="main" tabIndex={-1} class="instances-view">
      <h1>Instances</h1>
      <Failure error={error} />
      <Completeness {...(answer === undefined ? {} : { answer })} />
      {info?.cluster === false && (
        <p class="muted">
          No bus is configured, so this instance knows of no other. See the option{' '}
          <code>cluster</code>.
        </p>
      )}
      {info?.cluster === true && (
        <p>
          <a href={address(hashOf('live', all))}>Live operations of all instances</a>
        </p>
      )}
      {answer !== undefined && <InstancesTable answer={answer} own={info?.instance} />}
    </main>
  );
}

interface InstancesTableProps {
  readonly answer: InstancesAnswer;
  readonly own: string | undefined;
}

function InstancesTable({ answer, own }: InstancesTableProps) {
  return (
    <div class="scroll panel" tabIndex={0} role="region" aria-label="Instances, one by one">
      <table>
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">Service</th>
            <th scope="col">Live</th>
            <th scope="col">State</th>
            <th scope="col">Started</th>
            <th scope="col">Answered</th>
          </tr>
        </thead>
        <tbody>
          {answer.instances.map(({ id, service, live, draining, startedAt, replied }) => (
            <tr key={id}>
              <th scope="row">
                <Text of={id} />
                {id === own && <span class="muted"> (this one)</span>}
              </th>
              <td>{service === '' ? '–' : <Text of={service} />}</td>
              <td class="number">{formatCount(live)}</td>
              <td>
                <span class={`pill ${draining ? 'canceling' : 'running'}`}>
                  <Icon name={draining ? 'canceling' : 'running'} />
                  {draining ? 'draining' : 'serving'}
                </span>
              </td>
              <td class="number">{formatMoment(startedAt)}</td>
              <td>
                <span class={`pill ${replied ? 'completed' : 'failed'}`}>
                  <Icon name={replied ? 'completed' : 'failed'} />
                  {replied ? 'yes' : 'no answer'}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
