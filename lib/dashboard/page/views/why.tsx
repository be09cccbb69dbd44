import type { DashboardOperation } from '../../api-types.js';
import { formatMoment } from '../logic/format.js';
import { OperationLink } from '../parts/link.js';
import { WholeText } from '../parts/text.js';

type Cause = NonNullable<DashboardOperation['causes']>[number];

interface WhyProps {
  readonly operation: DashboardOperation;
  readonly all: boolean;
}

/** Why it was canceled: from what was said of its own cancel to the root of it. */
export function Why({ operation, all }: WhyProps) {
  const { reason, message, requestedBy, requestedFrom, canceledAt, causes = [] } = operation;
  if (reason === undefined) return null;
  const own: Cause = {
    reason,
    message: message ?? '',
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(requestedFrom === undefined ? {} : { requestedFrom }),
    ...(canceledAt === undefined ? {} : { at: canceledAt }),
  };
  const links = [own, ...causes];
  return (
    <section class="panel why" aria-labelledby="why">
      <h2 id="why">Why it was canceled</h2>
      <ol>
        {links.map((link, index) => (
          <li key={index}>
            <p class="step">
              {index === 0
                ? 'This operation'
                : index === links.length - 1
                  ? 'Root cause'
                  : 'Because'}
            </p>
            <CauseLink link={link} all={all} />
          </li>
        ))}
      </ol>
      {operation.returned && (
        <p class="muted">Its body gave a value although it was canceled; nobody got it.</p>
      )}
    </section>
  );
}

function CauseLink({ link, all }: { readonly link: Cause; readonly all: boolean }) {
  const { reason, message, operationId, operationName, requestedBy, requestedFrom, at } = link;
  return (
    <div class="cause">
      <p>
        {reason !== undefined && <span class="reason">{reason}</span>}
        <WholeText of={message} />
      </p>
      <dl class="inline">
        {operationId !== undefined && (
          <div>
            <dt>Operation</dt>
            <dd>
              <OperationLink id={operationId} name={operationName ?? operationId} all={all} />
            </dd>
          </div>
        )}
        {requestedBy !== undefined && (
          <div>
            <dt>Asked by</dt>
            <dd>
              <WholeText of={requestedBy} />
            </dd>
          </div>
        )}
        {requestedFrom !== undefined && (
          <div>
            <dt>Where</dt>
            <dd>
              <code>
                <WholeText of={requestedFrom} />
              </code>
            </dd>
          </div>
        )}
        {at !== undefined && (
          <div>
            <dt>When</dt>
            <dd class="number">{formatMoment(at)}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}
