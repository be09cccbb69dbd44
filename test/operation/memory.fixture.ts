import { getEventListeners } from 'node:events';
import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelationToken, OperationRegistry } from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { turn } from '../support/deferred.js';

const collect = (globalThis as unknown as { gc: () => void }).gc;

/** What must be collectable once an operation has settled, by name. */
const watched: [string, WeakRef<object>][] = [];
/** What outlives the operation on purpose. */
const kept: unknown[] = [];

function watch<Value extends object>(name: string, value: Value): Value {
  watched.push([name, new WeakRef(value)]);
  return value;
}

const registry = new OperationRegistry();
const token = new CancelationToken();

async function settle(kind: 'completed' | 'canceled' | 'failed') {
  const big = watch(`${kind}: metadata`, { rows: Array(1_000).fill(kind) });
  const on = watch(`${kind}: callbacks`, { settled: () => {} });
  const timeout = '1h';
  const work = registry.run({ name: kind, metadata: { big }, on, timeout }, async (operation) => {
    watch(`${kind}: operation`, operation);
    operation.onCancel(watch(`${kind}: listener`, () => {}));
    operation.onSettled(watch(`${kind}: settled listener`, () => {}));
    operation.onProgress(watch(`${kind}: progress listener`, () => {}));
    operation.defer(watch(`${kind}: cleanup`, () => {}));
    operation.signal.addEventListener(
      'abort',
      watch(`${kind}: abort listener`, () => {}),
    );
    const linked = CancelationToken.any(token, operation.token);
    operation.defer(linked.onCancel(watch(`${kind}: linked listener`, () => {})));
    operation.reportProgress('half');
    operation.savePartial(watch(`${kind}: partial result`, Array(10_000).fill(kind)));
    // A pool's connection or a cached promise keeps this context for good.
    kept.push(AsyncLocalStorage.snapshot(), new Promise(() => {}));
    await registry.run('child', (child) => void watch(`${kind}: child`, child));
    if (kind === 'canceled') operation.cancel();
    if (kind === 'failed') throw watch(`${kind}: error`, new Error('failed'));
    return watch(`${kind}: value`, { value: kind });
  });
  await work.catch(() => {});
}

/** One that history could keep as it is, were it not for what belongs to the caller. */
async function settlePlain() {
  const on = watch('plain: callbacks', { settled: () => {} });
  const metadata = { nested: watch('plain: nested metadata', { owner: 'ann' }) };
  await registry.run({ name: 'plain', on }, () => {});
  await registry.run({ name: 'plain', metadata }, () => {});
}

await settlePlain();
for (const kind of ['completed', 'canceled', 'failed'] as const) await settle(kind);
for (let count = 0; count < 10; count++) {
  await turn();
  collect();
}

const retained = watched.filter(([, reference]) => reference.deref()).map(([name]) => name);
console.log(
  JSON.stringify({
    retained,
    watched: watched.length,
    kept: kept.length,
    history: registry.history().length,
    live: registry.list().length,
    timers: armedTimers(),
    listeners: CancelationToken.scopeOf(token).listenerCount,
    abortListeners: getEventListeners(token.signal, 'abort').length,
  }),
);
