import { useEffect, useState } from 'preact/hooks';
import { ApiError, describeFailure } from '../data/api.js';
import {
  cancelMany,
  cancelOne,
  type CancelRequest,
  cancelRequest,
  previewMany,
} from '../data/cancel-requests.js';
import { tell } from '../data/notices.js';
import { useStore } from '../data/store.js';
import { countOf } from '../logic/format.js';
import { describeQuery } from '../logic/list-state.js';
import { operationHash } from '../logic/route.js';
import { CancelForm } from './cancel-form.js';
import { Modal } from './modal.js';
import { Text } from './text.js';

const close = () => cancelRequest.set(undefined);

/** Asks before anything is canceled. */
export function CancelDialog() {
  const request = useStore(cancelRequest);
  if (request?.what === 'one') return <CancelOne {...request} />;
  if (request?.what === 'many') return <CancelMany {...request} />;
  return null;
}

function CancelOne({ operation, all }: Extract<CancelRequest, { what: 'one' }>) {
  const { id, name } = operation;
  const confirm = async (message: string) => {
    try {
      const { canceled } = await cancelOne(id, message, all);
      const text = canceled
        ? `Canceled ${name.slice(0, 100)}`
        : `${name.slice(0, 100)} had ended already`;
      const link = { hash: operationHash(id, all), text: 'Show it' };
      tell({ text, tone: 'good', link });
    } catch (error) {
      tell({ text: `Not canceled: ${describeFailure(error)}`, tone: 'bad' });
    }
    close();
  };
  return (
    <Modal title="Cancel this operation?" onClose={close}>
      <CancelForm action="Cancel operation" onConfirm={confirm} onClose={close}>
        <p>
          <strong>
            <Text of={name} />
          </strong>{' '}
          and everything that it has begun will be canceled.
        </p>
      </CancelForm>
    </Modal>
  );
}

function CancelMany({ query, all }: Extract<CancelRequest, { what: 'many' }>) {
  const [count, setCount] = useState<number | undefined>(undefined);
  const [note, setNote] = useState('');
  const fail = (error: unknown) => {
    tell({ text: `Not canceled: ${describeFailure(error)}`, tone: 'bad' });
    close();
  };
  useEffect(() => {
    let isGone = false;
    previewMany(query, all).then(
      (preview) => isGone || setCount(preview.count),
      (error: unknown) => isGone || fail(error),
    );
    return () => {
      isGone = true;
    };
  }, []);
  const confirm = async (message: string) => {
    try {
      const answer = await cancelMany(query, count ?? 0, message, all);
      tell({ text: `Canceled ${countOf(answer.count, 'operation')}`, tone: 'good' });
      close();
    } catch (error) {
      const more =
        error instanceof ApiError && error.status === 409 ? error.body['count'] : undefined;
      if (typeof more !== 'number') {
        fail(error);
        return;
      }
      setCount(more);
      setNote('There are more by now. Nothing was canceled; confirm the new number.');
    }
  };
  const words = describeQuery(query);
  return (
    <Modal title="Cancel all that match?" onClose={close}>
      <CancelForm
        action={count === undefined ? 'Cancel' : `Cancel ${countOf(count, 'operation')}`}
        isDisabled={count === undefined || count === 0}
        onConfirm={confirm}
        onClose={close}
      >
        <p role="status">
          {count === undefined ? 'Counting…' : describeCount(count)}
          {note !== '' && <strong class="note"> {note}</strong>}
        </p>
        <p class="muted">
          {words === '' ? 'No filter: all live operations' : `Filter: ${words}`}
          {all ? ', on all instances' : ''}. What they have begun is canceled with them.
        </p>
      </CancelForm>
    </Modal>
  );
}

function describeCount(count: number): string {
  if (count === 0) return 'Nothing that matches can be canceled.';
  return `${countOf(count, 'operation')} will be canceled.`;
}
