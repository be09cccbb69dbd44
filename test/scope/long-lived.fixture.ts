import { EventEmitter, getEventListeners } from 'node:events';
import { CancelationToken, onEvent, OperationRegistry } from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';
import { turn } from '../support/deferred.js';

const gc = (globalThis as unknown as { gc: () => void }).gc;
const USES = 10_000;

/** What lives as long as the process. */
const token = new CancelationToken();
const { signal } = new AbortController();
const emitter = new EventEmitter();
const registry = new OperationRegistry({ history: { limit: 0 } });
const listener = () => {};
/** Short-lived things are linked to long-lived ones, and the other way round. */
const longDerived = () => CancelationToken.any(token, signal, '1h');

const ways: Record<string, (use: number) => unknown> = {
  'a signal derived from a token, dropped': () => longDerived().signal,
  'a derived signal whose listener left': () => {
    const derived = longDerived().signal;
    derived.addEventListener('abort', listener);
    derived.removeEventListener('abort', listener);
    derived.onabort = listener;
    derived.onabort = null;
  },
  'a signal derived from a derived one': () => CancelationToken.any(longDerived(), '2h').signal,
  'a signal made of a derived one': () => {
    const made = AbortSignal.any([longDerived().signal, new AbortController().signal]);
    made.addEventListener('abort', listener);
    made.removeEventListener('abort', listener);
  },
  'a derived signal that a target followed': () =>
    new EventTarget().addEventListener('x', listener, { signal: longDerived().signal }),
  'a derived token': () => void longDerived().isCanceled,
  'a derived token whose listener left': () => longDerived().onCancel(listener)(),
  'a token that follows a signal, raced': () =>
    CancelationToken.fromSignal(signal).race(Promise.resolve()),
  'a race': () => token.race(Promise.resolve()),
  'a sleep': (use) => (use % 10 === 0 ? token.sleep(0) : undefined),
  'the promise of a cancel': () => void token.whenCanceled(),
  'a listener that left': () => token.onCancel(listener)(),
  'an operation with a token and a signal as sources': () =>
    registry.run({ name: 'short', sources: [token, signal, onEvent(emitter, 'stop')] }, () => {}),
  'an operation that derives': () =>
    registry.run('short', (operation) => {
      const both = CancelationToken.any(token, operation.token);
      operation.signal.addEventListener('abort', listener);
      return both.race(Promise.resolve(both.signal.aborted));
    }),
  'a timeout of its own length': (use) =>
    registry.run({ name: 'short', timeout: 3_600_000 + use }, () => {}),
  'a derived timeout of its own length': (use) =>
    CancelationToken.timeout(3_600_000 + use).onCancel(listener)(),
};

const warnings: string[] = [];
process.on('warning', ({ message }) => warnings.push(message));

async function collected(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await turn();
    gc();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}

async function use(way: (use: number) => unknown, from: number, times: number) {
  for (let index = from; index < from + times; index++) {
    await way(index);
    if (index % 1_000 === 0) await turn();
  }
}

const bytes: Record<string, number> = {};
for (const [name, way] of Object.entries(ways)) {
  await use(way, 0, 500);
  const before = await collected();
  await use(way, 500, USES);
  bytes[name] = Math.round(((await collected()) - before) / USES);
}
const left = {
  onToken: CancelationToken.scopeOf(token).listenerCount,
  onSignal: getEventListeners(signal, 'abort').length,
  onEmitter: emitter.listenerCount('stop'),
  timers: armedTimers(),
};

/** Those who listen hear of it, whoever holds what they listen to. */
const stop = new AbortController();
const stopToken = new CancelationToken();
const heard: string[] = [];
const kept: (AbortSignal | CancelationToken)[] = [];
(() => {
  const derive = () => CancelationToken.any(stopToken, stop.signal);
  derive().signal.addEventListener('abort', () => heard.push('listener'));
  derive().signal.onabort = () => heard.push('onabort');
  derive().onCancel(() => heard.push('onCancel'));
  void derive()
    .whenCanceled()
    .then(() => heard.push('whenCanceled'));
  CancelationToken.any(derive(), '1h').signal.addEventListener('abort', () => heard.push('nested'));
  AbortSignal.any([derive().signal, new AbortController().signal]).addEventListener('abort', () =>
    heard.push('made of it'),
  );
  kept.push(derive().signal, derive(), AbortSignal.any([derive().signal]));
})();
await collected();
await collected();
const operations = Array.from({ length: 50 }, () =>
  registry
    .run({ name: 'live', sources: [stop.signal, onEvent(emitter, 'stop')] }, (operation) =>
      operation.sleep('1h'),
    )
    .catch(() => heard.push('operation')),
);
const whileLive = {
  onSignal: getEventListeners(stop.signal, 'abort').length,
  onEmitter: emitter.listenerCount('stop'),
};
stop.abort();
const aborted = kept.map((each) => ('aborted' in each ? each.aborted : each.isCanceled));
await Promise.all(operations);
await turn();

console.log(
  JSON.stringify({ bytes, left, warnings, whileLive, aborted, heard: [...new Set(heard)].sort() }),
);
process.exit(0);
