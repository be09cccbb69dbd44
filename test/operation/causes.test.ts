import { describe, expect, it } from '@jest/globals';
import {
  CancelationError,
  type CancelationReason,
  ConditionCancelation,
  DisconnectCancelation,
  isCancelation,
  ManualCancelation,
  OperationRegistry,
  ParentCancelation,
  rootCause,
  ShutdownCancelation,
  SignalCancelation,
  SupersededCancelation,
  TimeoutCancelation,
} from 'nestjs-cancelable';
import { describeChain } from '../../lib/operation/causes.js';
import { errorToWire } from '../../lib/worker/wire-errors.js';
import { deferred, rejection } from '../support/deferred.js';
import { MemoryLog } from '../support/memory-log.js';

/** The reasons along a chain of causes, from the error downwards. */
function reasons(error: unknown): (CancelationReason | undefined)[] {
  const found: (CancelationReason | undefined)[] = [];
  for (let link = error as CancelationError | undefined; link; link = link.cause as typeof link) {
    found.push(link.reason);
  }
  return found;
}

describe('rule 4: a link in the tree gives reason parent, with the cause chain', () => {
  it('reads parent, parent, disconnect in the grandchild of a lost request', async () => {
    const registry = new OperationRegistry();
    const running = deferred();
    const errors: any[] = [];
    const request = registry.run('request', (operation) => {
      operation.onCancel((error) => errors.unshift(error));
      return registry.run('service', (service) => {
        service.onCancel((error) => errors.unshift(error));
        return registry.run('query', (query) => {
          query.onCancel((error) => errors.unshift(error));
          running.resolve();
          return query.sleep('1h');
        });
      });
    });
    await running.promise;
    registry.cancelAll({ name: 'request' }, { reason: 'disconnect', message: 'socket closed' });
    await rejection(request);

    const [lost, service, query] = errors;
    expect(reasons(query)).toEqual(['parent', 'parent', 'disconnect']);
    expect(query).toBeInstanceOf(ParentCancelation);
    expect(query.message).toBe('parent service was canceled');
    expect(query.cause).toBe(service);
    expect(service.cause).toBe(lost);
    expect(rootCause(query)).toBe(lost);
    expect(lost).toMatchObject({ message: 'socket closed', operationName: 'request' });
  });

  it('gives every level the requester of the first', async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    const child = await root.run(() => registry.start('child'));
    root.operation.cancel({ requestedBy: 'ann' });
    expect(child.operation.cancelation?.requestedBy).toBe('ann');
  });

  it('does not matter which level is asked for its error first', async () => {
    const registry = new OperationRegistry();
    const root = registry.start('root');
    const child = await root.run(() => registry.start('child'));
    root.operation.cancel({ reason: 'shutdown' });

    const childError = child.operation.cancelation;
    expect(childError?.cause).toBe(root.operation.cancelation);
    expect(child.operation.cancelation).toBe(childError);
  });
});

describe('rule 4: rootCause', () => {
  it('is the last cancelation of the chain, whatever stands below and between', () => {
    const root = new TimeoutCancelation('slow', { cause: new Error('socket') });
    const wrapped = new Error('could not render', {
      cause: new ParentCancelation('parent', { cause: new Error('why', { cause: root }) }),
    });
    expect(rootCause(wrapped)).toBe(root);
  });

  it.each([undefined, null, 'text', 7, new Error('plain'), {}])('is undefined for %p', (value) => {
    expect(rootCause(value)).toBeUndefined();
  });

  it('is iterative: a chain of 10,000 links', () => {
    const root = new DisconnectCancelation('gone');
    let error: Error = root;
    for (let level = 0; level < 10_000; level++) {
      error = new ParentCancelation('parent', { cause: error });
    }
    expect(rootCause(error)).toBe(root);
  });

  it('stops at a circle', () => {
    const first = new ManualCancelation('first');
    const second = new ParentCancelation('second', { cause: first });
    Object.defineProperty(first, 'cause', { value: second });
    expect(rootCause(second)).toBe(first);
    expect(rootCause(first)).toBe(second);
  });
});

describe('rule 4: logs print at most three links and the root', () => {
  const chain = (links: number) => {
    let error: CancelationError = new DisconnectCancelation('socket closed');
    for (let level = 1; level < links; level++) {
      error = new ParentCancelation(`level ${level}`, { cause: error });
    }
    return describeChain(error);
  };

  it('prints short chains whole', () => {
    expect(chain(1)).toBe('disconnect (socket closed)');
    expect(chain(4)).toBe(
      'parent (level 3) ← parent (level 2) ← parent (level 1) ← disconnect (socket closed)',
    );
  });

  it('leaves out the middle of long ones', () => {
    expect(chain(10_000)).toBe(
      'parent (level 9999) ← parent (level 9998) ← parent (level 9997) ← … ← disconnect (socket closed)',
    );
  });

  it('stops at a circle, and prints what is no cancelation', () => {
    const first = new ManualCancelation('first', { cause: new RangeError('low') });
    expect(describeChain(first)).toBe('manual (first) ← RangeError: low');
    Object.defineProperty(first.cause, 'cause', { value: first });
    expect(describeChain(first)).toBe('manual (first) ← RangeError: low');
  });
});

describe('rule 4: a chain whose causes are made as they are read', () => {
  /** Each time anybody asks, there is one more. */
  class Endless extends Error {
    override get cause(): unknown {
      return new Endless('again');
    }
  }
  class Unreadable extends Error {
    override get cause(): unknown {
      throw new Error('not to be read');
    }
  }
  const hostile = () => {
    let depth = 0;
    const next = (): object => {
      depth++;
      return new Proxy(new Error('proxy'), {
        getOwnPropertyDescriptor: (target, key) =>
          key === 'cause' ? undefined : Reflect.getOwnPropertyDescriptor(target, key),
        has: () => true,
        get: (target, key) => (key === 'cause' ? next() : Reflect.get(target, key)),
      });
    };
    return { error: next(), depth: () => depth };
  };

  it('ends, for rootCause and for logs', () => {
    const manual = new ManualCancelation('stop', { cause: new Endless('first') });
    expect(rootCause(manual)).toBe(manual);
    expect(rootCause(new Endless('alone'))).toBeUndefined();
    const { error, depth } = hostile();
    expect(rootCause(error)).toBeUndefined();
    expect(depth()).toBeLessThan(200);
    expect(describeChain(manual)).toBe(
      'manual (stop) ← Error: first ← Error: again ← … ← Error: again',
    );
  });

  it('is cut where it cannot be read', () => {
    const manual = new ManualCancelation('stop', { cause: new Unreadable('closed') });
    expect(rootCause(manual)).toBe(manual);
    expect(describeChain(manual)).toBe('manual (stop) ← Error: closed');
  });

  it.each([
    ['goes on for ever', new Endless('first')],
    ['cannot be read', new Unreadable('closed')],
  ])('settles a canceled operation whose error %s', async (_, failure) => {
    const log = new MemoryLog();
    const registry = new OperationRegistry({ logger: log });
    const work = registry.run({ name: 'work', settle: 'wait' }, async (operation) => {
      operation.cancel({ cause: failure });
      throw failure;
    });
    expect(await rejection(work)).toBe(failure);
    expect(registry.history()[0]!.status).toBe('failed');
  });

  it('crosses to another thread', () => {
    const wire = errorToWire(new Endless('first'));
    expect(wire.length).toBeGreaterThan(10);
    expect(wire.length).toBeLessThan(200);
    expect(errorToWire(new Unreadable('closed'))).toHaveLength(1);
  });
});

describe('errors: a subclass per reason', () => {
  const classes = {
    timeout: TimeoutCancelation,
    manual: ManualCancelation,
    signal: SignalCancelation,
    condition: ConditionCancelation,
    parent: ParentCancelation,
    disconnect: DisconnectCancelation,
    shutdown: ShutdownCancelation,
    superseded: SupersededCancelation,
  };

  it.each(Object.entries(classes))('%s', (reason, Class) => {
    const { operation } = new OperationRegistry().start('work');
    operation.cancel({ reason: reason as CancelationReason });
    const error = operation.cancelation as CancelationError;

    expect(error).toBeInstanceOf(Class);
    expect(error).toBeInstanceOf(CancelationError);
    expect(error).toBeInstanceOf(Error);
    expect(error.reason).toBe(reason);
    expect(error.name).toBe(reason === 'timeout' ? 'TimeoutError' : 'AbortError');
    expect(error.message).not.toBe('');
    expect(isCancelation(error)).toBe(true);
    expect(`${error}`).toBe(`${error.name}: ${error.message}`);
  });

  it('carries what is known, and has no own keys that a logger would print twice', async () => {
    const registry = new OperationRegistry();
    const before = Date.now();
    const handle = registry.start({ name: 'import', id: 'import-1' });
    handle.operation.savePartial({ rows: 7 });
    handle.operation.cancel({ requestedBy: 'ann' });
    const error = handle.operation.cancelation as CancelationError;

    expect(error).toMatchObject({
      operationId: 'import-1',
      operationName: 'import',
      partialResult: { rows: 7 },
      requestedBy: 'ann',
    });
    expect(error.canceledAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(error.canceledAt.getTime()).toBeLessThanOrEqual(Date.now());
    expect(['requestedBy']).toEqual(expect.arrayContaining(Object.keys(error)));
  });

  it('keeps saying so after the operation has ended', async () => {
    const handle = new OperationRegistry().start('import');
    handle.operation.cancel();
    handle.operation.savePartial(['row']);
    await handle.complete();
    expect(handle.operation.cancelation?.partialResult).toEqual(['row']);
    expect(handle.operation.cancelation?.operationId).toBe(handle.operation.id);
  });

  it('recognises a cancelation of another copy of the package by its brand', () => {
    const foreign = Object.assign(new Error('canceled'), {
      [Symbol.for('nestjs-cancelable.cancelation')]: true,
      reason: 'manual',
    });
    expect(isCancelation(foreign)).toBe(true);
    expect(rootCause(new Error('wrapped', { cause: foreign }))).toBe(foreign);
    for (const value of [undefined, null, 'manual', new Error('x'), { reason: 'manual' }]) {
      expect(isCancelation(value)).toBe(false);
    }
  });

  it('leaves the limit of stack frames as it was', () => {
    const limit = Error.stackTraceLimit;
    const { operation } = new OperationRegistry().start('work');
    operation.cancel();
    expect(operation.cancelation?.stack).toBe('AbortError: canceled');
    expect(Error.stackTraceLimit).toBe(limit);
  });
});
