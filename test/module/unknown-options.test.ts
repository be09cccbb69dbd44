import { describe, expect, it } from '@jest/globals';
import {
  CancelableModule,
  CancelationToken,
  onCondition,
  onResources,
  OperationRegistry,
} from 'nestjs-cancelable';
import { bullmq } from 'nestjs-cancelable/bullmq';
import { microservices } from 'nestjs-cancelable/microservices';
import { CancelableHealthIndicator } from 'nestjs-cancelable/terminus';
import {
  OperationRecorder,
  RecordingToken,
  Scenario,
  simulateStream,
} from 'nestjs-cancelable/testing';
import {
  cancelOperation,
  createThreadPool,
  runFileInThread,
  runInPool,
  runInThread,
  spawnProcess,
} from 'nestjs-cancelable/worker';
import { MemoryLog } from '../support/memory-log.js';

const registry = new OperationRegistry({ logger: new MemoryLog() });
const misspelt = { mispelt: 1 } as never;
const pool = { run: () => Promise.resolve(), destroy: () => Promise.resolve(), options: {} };

/** Each takes options, here some that it does not have. */
const calls: readonly (readonly [string, () => unknown])[] = [
  ['CancelableModule.forRootAsync()', () => CancelableModule.forRootAsync(misspelt)],
  ['new OperationRegistry()', () => new OperationRegistry(misspelt)],
  ['registry.run()', () => registry.run(misspelt, () => 1)],
  ['registry.spawn()', () => registry.spawn(misspelt, () => 1)],
  ['registry.start()', () => registry.start(misspelt)],
  ['registry.run(): exclusive', () => registry.run({ exclusive: misspelt }, () => 1)],
  ['cancel()', () => new CancelationToken().cancel(misspelt)],
  ['cancel()', () => registry.run('one', (operation) => operation.cancel(misspelt))],
  ['cancel()', () => registry.cancelAll({}, misspelt)],
  ['cancelAll()', () => registry.cancelAll(misspelt)],
  ['scoped()', () => registry.scoped(misspelt)],
  ['find()', () => registry.find('id', misspelt)],
  ['watch()', () => registry.watch('id', misspelt)],
  ['list()', () => registry.list(misspelt)],
  [
    'operation.shield()',
    () => registry.run('one', (operation) => operation.shield(() => 1, misspelt)),
  ],
  [
    'operation.wrap()',
    () => registry.run('one', (operation) => void operation.wrap(() => 1, misspelt)),
  ],
  [
    'operation.stream()',
    () => registry.run('one', (operation) => void operation.stream([], misspelt)),
  ],
  ['onCondition()', () => onCondition(() => true, misspelt)],
  ['onResources()', () => onResources(misspelt)],
  ['bullmq()', () => (bullmq as (options: object) => unknown)(misspelt)],
  ['microservices()', () => microservices(misspelt)],
  ['isHealthy()', () => new CancelableHealthIndicator(registry).isHealthy('key', misspelt)],
  ['new Scenario()', () => new Scenario(registry, misspelt)],
  ['scenario.cancel()', () => new Scenario(registry).cancel('one', misspelt)],
  ['token.cancelAfter()', () => new RecordingToken().cancelAfter('1s', misspelt)],
  [
    'recorder.expectDuration()',
    () => new OperationRecorder(registry).expectDuration('one', misspelt),
  ],
  [
    'recorder.expectStopped()',
    () => new OperationRecorder(registry).expectStopped('one', misspelt),
  ],
  ['simulateStream()', () => simulateStream([], misspelt)],
  ['runInThread()', () => runInThread('./work.js', misspelt)],
  ['runInThread(): worker', () => runInThread('./work.js', { worker: misspelt })],
  ['runFileInThread()', () => runFileInThread('./work.js', misspelt)],
  ['runInPool()', () => runInPool(pool, 1, misspelt)],
  ['createThreadPool()', () => createThreadPool(misspelt)],
  ['spawnProcess()', () => spawnProcess('true', [], misspelt)],
  ['cancelOperation()', () => cancelOperation('id', misspelt)],
];

describe('an option that does not exist is refused in the same words', () => {
  it.each(calls)('by %s', async (where, call) => {
    let error: unknown;
    try {
      await call();
    } catch (caught) {
      error = caught;
    }

    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toContain(`${where}: there is no option 'mispelt'. Allowed: `);
  });

  it('an error in place of the options of a cancel is its cause', () => {
    const token = new CancelationToken();
    const reason = Object.assign(new Error('disk full'), { code: 'ENOSPC' });

    expect(token.cancel(reason)).toBe(true);

    expect(token.error).toMatchObject({ reason: 'manual', message: 'disk full', cause: reason });
  });
});
