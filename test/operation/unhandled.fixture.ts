import { type Operation, OperationRegistry } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';

/** Each scenario runs with nobody listening to the rejections that the library must take over. */
const scenarios: Record<string, () => Promise<unknown>> = {
  'a late error of race': async () => {
    const { operation, body, work } = begin('race');
    operation.cancel();
    await work.catch(() => {});
    body.reject(new Error('late'));
  },
  'the result of an operation that failed': async () => {
    const { operation, body, work } = begin('race');
    void operation.result;
    body.reject(new Error('failed'));
    await work.catch(() => {});
  },
  'the result, asked for after the end': async () => {
    const { operation, body, work } = begin('wait');
    body.reject(new Error('failed'));
    await work.catch(() => {});
    void operation.result;
  },
  'a spawned operation that fails': async () => {
    new OperationRegistry().spawn('job', () => Promise.reject(new Error('failed')));
  },
  'a spawned operation that is canceled': async () => {
    new OperationRegistry().spawn('job', (own) => own.sleep('1h')).cancel();
  },
  'a child that is canceled because its parent completed': async () => {
    const registry = new OperationRegistry();
    await registry.run('parent', () => {
      void registry.run('child', (own) => own.sleep('1h'));
    });
  },
  'a child with settle wait, canceled because its parent completed': async () => {
    const registry = new OperationRegistry();
    await registry.run('parent', () => {
      void registry.run({ name: 'child', settle: 'wait' }, (own) => own.sleep('1h'));
    });
  },
  'a grandchild that is canceled because the topmost completed': async () => {
    const registry = new OperationRegistry();
    await registry.run('parent', () => {
      void registry.run('child', (own) => {
        void registry.run('grandchild', (grand) => grand.sleep('1h'));
        return own.sleep('1h');
      });
    });
  },
  'the loser of token.race': async () => {
    const { operation, body, work } = begin('wait');
    const lost = deferred();
    const raced = operation.token.race(lost.promise);
    operation.cancel();
    await raced.catch(() => {});
    lost.reject(new Error('late'));
    body.resolve(undefined);
    await work;
  },
  'the loser of a handle': async () => {
    const handle = new OperationRegistry().start('work');
    const lost = deferred();
    const part = handle.run(() => lost.promise);
    handle.operation.cancel();
    await part.catch(() => {});
    lost.reject(new Error('late'));
    await handle.complete();
  },
  'listeners, callbacks and cleanups that reject': async () => {
    const fail = () => Promise.reject(new Error('broken'));
    const registry = new OperationRegistry();
    await registry
      .run({ name: 'work', on: { start: fail, cancel: fail, settled: fail } }, (own) => {
        own.onCancel(fail);
        own.onSettled(fail);
        own.onProgress(fail);
        own.defer(fail);
        own.reportProgress('half');
        own.cancel();
      })
      .catch(() => {});
  },
  'a stream that nobody pulls any more': async () => {
    const handle = new OperationRegistry().start('work');
    const source = (async function* () {
      yield 1;
      await new Promise((_, reject) => setImmediate(() => reject(new Error('late'))));
    })();
    const stream = handle.operation.stream(source);
    await stream.next();
    const pending = stream.next();
    handle.operation.cancel();
    await pending.catch(() => {});
    await turn();
    await turn();
  },
  'a stream that was canceled between two pulls': async () => {
    const handle = new OperationRegistry().start('work');
    const stream = handle.operation.stream([1, 2, 3]);
    await stream.next();
    handle.operation.cancel();
  },
  'a source whose return() rejects at the cancel': async () => {
    const handle = new OperationRegistry().start('work');
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<number>>(() => {}),
        return: () => Promise.reject(new Error('cannot close')),
      }),
    };
    const pending = handle.operation.stream(source).next();
    handle.operation.cancel();
    await pending.catch(() => {});
  },
};

/** What is Node's to report, all the same. */
const reported: typeof scenarios = {
  'a rejection that is really nobody’s': async () => {
    void Promise.reject(new Error('control'));
  },
  'a listener on the signal that throws': async () => {
    const { operation, body, work } = begin('race');
    operation.signal.addEventListener('abort', () => {
      throw new Error('listener');
    });
    operation.cancel();
    await work.catch(() => {});
    body.resolve(undefined);
  },
};

function begin(settle: 'race' | 'wait') {
  const body = deferred<unknown>();
  let operation!: Operation;
  const work = new OperationRegistry().run({ name: 'work', settle }, (own) => {
    operation = own;
    return body.promise;
  });
  return { operation, body, work };
}

const unhandled: Record<string, string[]> = {};
let current = '';
process.on('unhandledRejection', (error) => {
  unhandled[current]!.push(String(error));
});
process.on('uncaughtException', (error) => {
  unhandled[current]!.push(`uncaught: ${String(error)}`);
});

for (const [name, scenario] of Object.entries({ ...scenarios, ...reported })) {
  current = name;
  unhandled[name] = [];
  await scenario();
  for (let count = 0; count < 5; count++) await turn();
}

console.log(JSON.stringify(unhandled));
