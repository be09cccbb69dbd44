import { EventEmitter, getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import {
  allOf,
  anyOf,
  CancelationToken,
  onCondition,
  onEvent,
  onObservable,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { Subject } from 'rxjs';
import { isPending, microtasks, rejection, thrown } from '../support/deferred.js';

/** Runs until it is canceled. */
const forever = (operation: Operation) => operation.sleep('1h');

function subject() {
  const emitter = new EventEmitter();
  const stops$ = new Subject<void>();
  const token = new CancelationToken();
  return { emitter, stops$, token };
}

describe('rule 19: anyOf takes the first', () => {
  it('and names the source that triggered', async () => {
    const { emitter, stops$, token } = subject();
    const source = anyOf(onEvent(emitter, 'close'), onObservable(stops$), token);
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    emitter.emit('close');
    expect(await rejection(result)).toMatchObject({ reason: 'condition', message: 'event close' });
    expect(emitter.listenerCount('close')).toBe(0);
    expect(stops$.observed).toBe(false);
    expect(CancelationToken.scopeOf(token).listenerCount).toBe(0);
  });

  it('with a timeout in it, the timeout fires', async () => {
    const { emitter } = subject();
    const result = new OperationRegistry().run(
      { sources: [anyOf('10ms', onEvent(emitter, 'close'))] },
      forever,
    );
    expect(await rejection(result)).toMatchObject({ reason: 'timeout' });
  });

  it('does not cancel at once because of a condition that is not met', async () => {
    const registry = new OperationRegistry();
    const result = registry.run(
      { sources: [anyOf(onCondition(async () => false, { every: '1h' }))] },
      forever,
    );
    expect(await isPending(result)).toBe(true);
    registry.cancelAll({});
    await rejection(result);
  });
});

describe('rule 19: allOf latches and takes the last reason', () => {
  it('whatever the order', async () => {
    const { emitter, token } = subject();
    const source = allOf(onEvent(emitter, 'header'), token);
    const result = new OperationRegistry().run({ sources: [source] }, forever);
    emitter.emit('header');
    emitter.emit('header');
    expect(await isPending(result)).toBe(true);
    token.cancel({ message: 'last' });
    expect(await rejection(result)).toMatchObject({ reason: 'manual', message: 'last' });
  });

  it('nests to any depth', async () => {
    const { emitter, stops$, token } = subject();
    const nested = anyOf(
      allOf(onEvent(emitter, 'a'), anyOf(onEvent(emitter, 'b'), stops$Source())),
      token,
    );
    function stops$Source() {
      return allOf(onObservable(stops$), onEvent(emitter, 'c'));
    }
    const result = new OperationRegistry().run({ sources: [nested] }, forever);
    emitter.emit('a');
    stops$.next();
    expect(await isPending(result)).toBe(true);
    emitter.emit('c');
    expect(await rejection(result)).toMatchObject({ message: 'event c' });
  });

  it('stops what has started when a later one fails to start', async () => {
    const { emitter } = subject();
    const error = new Error('no');
    const broken = {
      name: 'broken',
      start: () => {
        throw error;
      },
    };
    const result = new OperationRegistry().run(
      { sources: [allOf(onEvent(emitter, 'a'), broken)] },
      forever,
    );
    expect(await rejection(result)).toBe(error);
    await microtasks();
    expect(emitter.listenerCount('a')).toBe(0);
  });

  it.each([
    ['anyOf', anyOf],
    ['allOf', allOf],
  ] as const)('%s refuses what is no source', (name, combine) => {
    expect(thrown(() => combine()).message).toContain(`${name}()`);
    expect(thrown(() => combine('5 parsecs')).message).toContain('5 parsecs');
    expect(thrown(() => combine({} as never)).message).toContain(`${name}()[0]`);
  });
});

describe('onEvent()', () => {
  it('hears of an event although somebody removed all listeners before', async () => {
    const registry = new OperationRegistry();
    const emitter = new EventEmitter();
    const wait = () =>
      registry.run({ sources: [onEvent(emitter, 'close')] }, (operation) => operation.sleep('1h'));
    const first = wait();
    emitter.removeAllListeners('close');
    const second = wait();
    expect(emitter.listenerCount('close')).toBe(1);
    emitter.emit('close');
    for (const work of [first, second]) {
      expect(await rejection(work)).toMatchObject({ reason: 'condition' });
    }
    expect(emitter.listenerCount('close')).toBe(0);
  });

  it('has one listener on a target, however many wait', async () => {
    const registry = new OperationRegistry();
    const target = new EventTarget();
    const works = Array.from({ length: 20 }, () =>
      registry.run({ sources: [onEvent(target, 'close')] }, (operation) => operation.sleep('1h')),
    );
    expect(getEventListeners(target, 'close')).toHaveLength(1);
    target.dispatchEvent(new Event('close'));
    for (const work of works) expect(await rejection(work)).toMatchObject({ reason: 'condition' });
    expect(getEventListeners(target, 'close')).toHaveLength(0);
  });
});
