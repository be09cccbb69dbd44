import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CancelationToken, onEvent, OperationRegistry, type Operation } from 'nestjs-cancelable';
import { EventEmitter } from 'node:events';
import {
  expectNoLeaks,
  OperationRecorder,
  RecordingToken,
  Scenario,
  simulateStream,
} from 'nestjs-cancelable/testing';
import { rejection, thrown } from '../support/deferred.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const advance = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
const untilCanceled = (operation: Operation) => operation.sleep('1h');

describe('RecordingToken', () => {
  it('remembers every cancel, and which one was first', () => {
    const token = new RecordingToken();
    expect(token.cancel({ message: 'one' })).toBe(true);
    expect(token.cancel({ message: 'two' })).toBe(false);
    expect(token.cancels).toEqual([
      { options: { message: 'one' }, first: true, at: Date.now() },
      { options: { message: 'two' }, first: false, at: Date.now() },
    ]);
    expect(token.error?.message).toBe('one');
  });

  it('cancels later, unless that is taken back', async () => {
    const token = new RecordingToken();
    const takeBack = token.cancelAfter('1s');
    takeBack();
    token.cancelAfter('5s', { message: 'later' });
    const result = new OperationRegistry().run({ sources: [token] }, untilCanceled);
    const outcome = rejection(result);
    await advance(4_999);
    expect(token.isCanceled).toBe(false);
    await advance(1);
    expect(await outcome).toMatchObject({ reason: 'manual', message: 'later' });
    expect(token.cancels).toHaveLength(1);
    expect(thrown(() => token.cancelAfter('soon')).message).toContain('cancelAfter');
  });
});

describe('OperationRecorder', () => {
  it('asserts what happened, and lists it when it did not', async () => {
    const registry = new OperationRegistry();
    const recorder = new OperationRecorder(registry);
    await registry.run('good', (operation) => operation.reportProgress('half'));
    await rejection(registry.run('bad', () => Promise.reject(new Error('broken'))));
    await rejection(registry.run('slow', (operation) => void operation.cancel()));
    recorder
      .expectStarted('good', 1)
      .expectProgress('good', /hal/)
      .expectCompleted('good')
      .expectFailed('bad', 'broken')
      .expectCanceled('slow', 'manual')
      .expectNotStarted('other');
    expect(recorder.of('good')).toEqual(['started', 'progress', 'settled']);
    expect(recorder.outcomes('bad')).toMatchObject([{ status: 'failed' }]);

    const misses: [() => unknown, string][] = [
      [() => recorder.expectStarted('other'), 'other to begin'],
      [() => recorder.expectStarted('good', 2), 'good to begin 2 times'],
      [() => recorder.expectNotStarted('good'), 'good to begin 0 times'],
      [() => recorder.expectCompleted('bad'), 'bad to complete'],
      [() => recorder.expectFailed('bad', 'else'), 'bad to fail with else'],
      [() => recorder.expectCanceled('slow', 'timeout'), 'slow to be canceled (timeout)'],
      [() => recorder.expectProgress('good', 'done'), 'good to report progress'],
    ];
    for (const [miss, message] of misses) {
      expect(thrown(miss).message).toContain(`Expected ${message}`);
      expect(thrown(miss).message).toContain('  bad: settled failed');
    }
  });

  it('asserts how long operations took, and how soon canceled ones have stopped', async () => {
    const registry = new OperationRegistry();
    const recorder = new OperationRecorder(registry);
    const late = (operation: Operation) =>
      operation.token.whenCanceled().then(() => new Promise((done) => setTimeout(done, 250)));
    const render = registry.run('render', (operation) => operation.sleep('2s'));
    const upload = rejection(registry.run({ name: 'upload', timeout: '1s' }, late));
    await advance(2_000);
    await Promise.all([render, upload]);
    recorder
      .expectDuration('render', { atLeast: '2s', atMost: '2s' })
      .expectDuration('render', { atMost: 2_000 })
      .expectStopped('upload', { within: '250ms' });

    const misses: [() => unknown, string][] = [
      [
        () => recorder.expectDuration('render', { atMost: '1s' }),
        'render to take at most 1s (2000 ms)',
      ],
      [
        () => recorder.expectDuration('render', { atLeast: '3s', atMost: '4s' }),
        'render to take at least 3s and at most 4s (2000 ms)',
      ],
      [() => recorder.expectDuration('other', { atMost: '1s' }), '(none ended)'],
      [
        () => recorder.expectStopped('upload', { within: '100ms' }),
        'upload to stop, after its cancel, at most 100ms (250 ms)',
      ],
      [() => recorder.expectStopped('render', { within: '1s' }), '(none ended)'],
    ];
    for (const [miss, message] of misses) expect(thrown(miss).message).toContain(message);
    expect(thrown(() => recorder.expectDuration('render', {})).message).toContain(
      'at least one of atLeast, atMost',
    );
    expect(thrown(() => recorder.expectStopped('upload', { within: 'soon' })).message).toContain(
      'recorder.expectStopped(): within',
    );
  });

  it('hears nothing after it was stopped, and forgets on demand', async () => {
    const registry = new OperationRegistry();
    const recorder = new OperationRecorder(registry);
    await registry.run('first', () => 1);
    recorder.clear();
    recorder.stop();
    await registry.run('second', () => 2);
    expect(recorder.events).toEqual([]);
  });
});

describe('Scenario', () => {
  it('plays a story under fake timers', async () => {
    const registry = new OperationRegistry();
    const outcomes = await new Scenario(registry, { advance })
      .begin({ name: 'import', timeout: '1m' }, untilCanceled)
      .begin({ name: 'export' }, untilCanceled)
      .wait('30s')
      .expect('import', 'running')
      .cancel('export', { message: 'enough' })
      .expect('export', 'canceled', 'manual')
      .wait('30s')
      .expect('import', 'canceled', 'timeout')
      .play();
    expect(outcomes.get('import')).toMatchObject({
      status: 'rejected',
      reason: { reason: 'timeout' },
    });
    expect(outcomes.get('export')).toMatchObject({ reason: { message: 'enough' } });
    expectNoLeaks(registry);
  });

  it('fails at the first expectation that is not met', async () => {
    const registry = new OperationRegistry();
    let reached = false;
    const story = new Scenario(registry, { advance })
      .begin({ name: 'import' }, () => 1)
      .expect('import', 'canceled')
      .act(() => (reached = true));
    expect((await rejection(story.play())).message).toBe(
      'Expected import to be canceled, but it is completed',
    );
    expect(reached).toBe(false);
    const lost = new Scenario(registry).cancel('nobody');
    expect((await rejection(lost.play())).message).toContain("no operation 'nobody'");
  });
});

describe('simulateStream', () => {
  const items = Array.from({ length: 20 }, (_, index) => index);

  /** Reads a stream while time passes. @returns items and the moments they came at */
  async function play<Item>(stream: AsyncIterable<Item>): Promise<{ items: Item[]; at: number[] }> {
    const seen: { items: Item[]; at: number[] } = { items: [], at: [] };
    let over = false;
    const reading = (async () => {
      for await (const item of stream) {
        seen.items.push(item);
        seen.at.push(Date.now());
      }
    })().finally(() => (over = true));
    reading.catch(() => {});
    const start = Date.now();
    while (!over && Date.now() - start < 60_000) await advance(1);
    if (over) await reading;
    seen.at = seen.at.map((moment) => moment - start);
    return seen;
  }

  it('delays each item', async () => {
    const { items: got, at } = await play(simulateStream([1, 2, 3], { delay: '10ms' }));
    expect(got).toEqual([1, 2, 3]);
    expect(at).toEqual([10, 20, 30]);
  });

  it('strays by jitter, the same for the same seed', async () => {
    const once = async (seed: number) =>
      (await play(simulateStream(items, { delay: '100ms', jitter: 0.5, seed }))).at;
    const first = await once(7);
    expect(await once(7)).toEqual(first);
    expect(await once(8)).not.toEqual(first);
    const gaps = first.slice(1).map((moment, index) => moment - first[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(49);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(151);
    expect(new Set(gaps).size).toBeGreaterThan(5);
  });

  it('comes in bursts', async () => {
    const { at } = await play(
      simulateStream(items.slice(0, 6), { burst: { size: 3, pause: '50ms' } }),
    );
    expect(at.slice(0, 3)).toEqual([at[0], at[0], at[0]]);
    expect(at[3]! - at[2]!).toBe(50);
  });

  it('stalls for a while, or for good', async () => {
    const short = await play(simulateStream([1, 2, 3], { stall: { after: 2, for: '1s' } }));
    expect(short.items).toEqual([1, 2, 3]);
    expect(short.at[2]! - short.at[1]!).toBe(1_000);
    const long = await play(simulateStream([1, 2, 3], { stall: { after: 2 } }));
    expect(long.items).toEqual([1, 2]);
  });

  it('comes in chunks of weighted sizes, with every item in order', async () => {
    const chunks = [
      { size: 1, weight: 1 },
      { size: 4, weight: 3 },
    ];
    const { items: got } = await play(simulateStream(items, { chunks, seed: 3 }));
    expect(got.flat()).toEqual(items);
    const sizes = new Set(got.slice(0, -1).map(({ length }) => length));
    expect([...sizes].sort()).toEqual([1, 4]);
  });

  it('fails when it is told to', async () => {
    const error = new Error('connection reset');
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of simulateStream(items, { fail: { after: 2, error } }))
        seen.push(item);
    })();
    expect(await rejection(reading)).toBe(error);
    expect(seen).toEqual([0, 1]);
  });

  it.each([
    [{ delay: '0' }, 'delay'],
    [{ jitter: 2 }, 'jitter'],
    [{ burst: { size: 0, pause: '1s' } }, 'size'],
    [{ chunks: [] }, 'chunks'],
    [{ speed: 1 }, 'speed'],
  ])('refuses %j', (options, hint) => {
    expect(thrown(() => simulateStream(items, options as never)).message).toContain(hint);
  });
});

describe('expectNoLeaks', () => {
  it('leaves out what belongs to another registry, and counts all of them without any', async () => {
    const mine = new OperationRegistry();
    const others = new OperationRegistry();
    const source = onEvent(new EventEmitter(), 'close');
    const token = CancelationToken.timeout('1m');
    const stop = token.onCancel(() => {});
    const other = others.spawn(
      { name: 'other', timeout: '1h', stall: '1m', sources: [source] },
      untilCanceled,
    );

    expectNoLeaks(mine);
    expectNoLeaks(new RecordingToken());
    const { message } = thrown(() => expectNoLeaks(others));
    expect(message.split('\n')).toEqual([
      'Something is left over:',
      `  the operation other (${other.id}) is still running`,
      `  a timer of other (${other.id}) is still armed`,
      `  a timer of other (${other.id}) is still armed`,
      `  the source event close of other (${other.id}) is still listening`,
    ]);
    const all = thrown(() => expectNoLeaks()).message;
    expect(all).toContain('a timer of a token is still armed');
    expect(all).toContain('a timer of other');

    stop();
    other.cancel();
    await others.whenIdle();
    expectNoLeaks(others);
    expectNoLeaks();
  });

  it('passes when all is done', async () => {
    const registry = new OperationRegistry();
    const token = new RecordingToken();
    await registry.run({ timeout: '1m', sources: [token] }, () => 1);
    expectNoLeaks(registry, token);
  });

  it('names a live operation, its timer, its listener and its source', async () => {
    const registry = new OperationRegistry();
    const token = new RecordingToken();
    const emitter = new EventEmitter();
    const operation = registry.spawn(
      { name: 'import', timeout: '1m', sources: [token, onEvent(emitter, 'close')] },
      untilCanceled,
    );
    const { message } = thrown(() => expectNoLeaks(registry, token));
    expect(message).toContain(`the operation import (${operation.id}) is still running`);
    expect(message).toContain('a token still has 1 listener');
    expect(message).toContain(`a timer of import (${operation.id}) is still armed`);
    expect(message).toContain(`the source event close of import (${operation.id}) is still`);
    operation.cancel();
    await registry.whenIdle();
    expectNoLeaks(registry, token);
  });
});
