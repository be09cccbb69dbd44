import {
  CancelationToken,
  currentToken,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { turn } from '../support/deferred.js';

const collect = (globalThis as unknown as { gc: () => void }).gc;

/** The metadata of operations that are over, of which somebody kept a part, by the part. */
const metadata: [string, WeakRef<object>][] = [];
const kept: unknown[] = [];
const registry = new OperationRegistry({ history: { limit: 0 } });

type Ending = (operation: Operation) => unknown;
const canceled: Ending = (operation) => operation.cancel({ message: 'stop' });
const completed: Ending = () => {};
const endings = { canceled, completed };

/** What somebody may keep of an operation: taken while it runs, or from how it ended. */
const whileRunning: Record<string, (operation: Operation) => unknown> = {
  token: (operation) => operation.token,
  signal: (operation) => operation.signal,
  'current token': () => currentToken(),
  'derived token': (operation) => CancelationToken.any(operation.token, '1h'),
  'signal of a derived token': (operation) => CancelationToken.any(operation.token, '1h').signal,
  'derived token with a listener': (operation) => {
    const derived = CancelationToken.any(operation.token);
    derived.onCancel(() => {});
    return derived;
  },
  'token that follows its signal': (operation) => CancelationToken.fromSignal(operation.signal),
  'what removes a listener': (operation) => {
    const { metadata } = operation;
    operation.onCancel(() => metadata);
    return operation.onCancel(() => {});
  },
  'what removes a cleanup': (operation) => operation.defer(() => {}),
  'promise of its cancel': (operation) => operation.token.whenCanceled(),
  'promise of its result': (operation) => operation.result,
  'token of a shield': (operation) => operation.shield(() => kept.push(currentToken())),
  'bound function': (operation) => operation.bind(() => {}),
};
const fromItsEnd: Record<string, (error: unknown, operation: Operation) => unknown> = {
  error: (error) => error,
  'late token': (_, operation) => operation.token,
  'late cancelation': (_, operation) => operation.cancelation,
  'token that follows its late token': (_, operation) => CancelationToken.any(operation.token),
};

function largeMetadata(name: string): { big: object } {
  const big = { rows: Array(1_000).fill(name) };
  metadata.push([name, new WeakRef(big)]);
  return { big };
}

async function settle(kind: keyof typeof endings, name: string, take?: Ending) {
  const options = { name: 'work', metadata: largeMetadata(`${kind}: ${name}`) };
  let seen: Operation | undefined;
  const work = registry.run(options, async (operation) => {
    if (take === undefined) seen = operation;
    else kept.push(take(operation));
    endings[kind](operation);
  });
  const error = await work.catch((failure: unknown) => failure);
  await registry.whenIdle();
  if (seen !== undefined) kept.push(fromItsEnd[name]!(error, seen));
}

/** The error of a grandchild, with its chain. */
async function settleChain() {
  const top = registry.start({ name: 'top', metadata: largeMetadata("a child's error") });
  const work = top.run(() =>
    registry.run('middle', (middle) =>
      registry.run('child', (child) => {
        child.onCancel((error) => kept.push(error));
        return middle.sleep('1h');
      }),
    ),
  );
  top.operation.cancel({ message: 'stop' });
  await work.catch(() => {});
  await top.complete();
}

/** A child whose body never ends keeps what it was canceled with. */
async function settleParent() {
  const metadata = largeMetadata('a child that never ends');
  const work = registry.run({ name: 'top', metadata }, (top) => {
    const running = registry.run('child', (child) => {
      // What it inherited is its own.
      child.annotate({ big: undefined });
      kept.push(child);
      return new Promise<void>((resolve) => kept.push(resolve));
    });
    top.cancel({ message: 'stop' });
    return running;
  });
  await work.catch(() => {});
}

/** Events whose snapshot was read. */
async function settleHeard() {
  const heard = new OperationRegistry({ history: { limit: 0 } });
  heard.events$.subscribe((event) => kept.push(event, event.operation));
  await heard.run({ name: 'heard', metadata: largeMetadata('events') }, () => {});
}

for (const kind of ['canceled', 'completed'] as const) {
  for (const [name, take] of Object.entries(whileRunning)) await settle(kind, name, take);
  for (const name of Object.keys(fromItsEnd)) await settle(kind, name);
}
await settleChain();
await settleParent();
await settleHeard();
for (let count = 0; count < 10; count++) {
  await turn();
  collect();
}

const retained = metadata.filter(([, reference]) => reference.deref()).map(([name]) => name);
console.log(JSON.stringify({ retained, watched: metadata.length, kept: kept.length }));
process.exit(0);
