import type { DashboardOperation } from '../../api-types.js';
import { Block, WholeText } from '../parts/text.js';

/** What an operation carries: its error, what it has saved, its metadata. */
export function OperationData({ operation }: { readonly operation: DashboardOperation }) {
  const { error, partialResult, metadata, progress } = operation;
  return (
    <div class="stack">
      {error !== undefined && (
        <section class="panel" aria-labelledby="error">
          <h2 id="error">Error</h2>
          <p>
            <strong>
              <WholeText
                of={error.code === undefined ? error.name : `${error.name} (${error.code})`}
              />
            </strong>{' '}
            <WholeText of={error.message} />
          </p>
          {error.stack !== undefined && <Block label="Stack" of={error.stack} />}
        </section>
      )}
      <Json title="Partial result" value={partialResult} />
      <Json title="Metadata" value={isEmpty(metadata) ? undefined : metadata} />
      <Json title="Report" value={progress?.metadata} />
    </div>
  );
}

interface JsonProps {
  readonly title: string;
  readonly value: unknown;
}

function Json({ title, value }: JsonProps) {
  if (value === undefined) return null;
  return (
    <section class="panel" aria-label={title}>
      <h2>{title}</h2>
      <Block label={`${title} as JSON`} of={JSON.stringify(value, null, 2)} />
    </section>
  );
}

function isEmpty(value: object | undefined): boolean {
  return value === undefined || Object.keys(value).length === 0;
}
