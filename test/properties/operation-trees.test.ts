import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { CancelationToken, isCancelation, rootCause } from 'nestjs-cancelable';
import { startedSources } from '../../lib/operation/start-sources.js';
import { armedTimers } from '../../lib/scope/timers.js';
import { turn } from '../support/deferred.js';
import { Model, type ModelNode, type NodeSpec, type Step } from './operation-model.js';
import { World, type WorldNode } from './operation-world.js';

const MOST_NODES = 9;

/** Deadlines never fall together: they are so many hundreds, plus the node's own number. */
const nodeSpecs: fc.Arbitrary<NodeSpec[]> = fc
  .array(
    fc.record({
      parent: fc.nat(999).map((thousandths) => thousandths / 1_000),
      settle: fc.constantFrom('race' as const, 'wait' as const),
      detached: fc.integer({ min: 0, max: 5 }).map((value) => value === 0),
      isRoot: fc.integer({ min: 0, max: 5 }).map((value) => value === 0),
      early: fc.boolean(),
      hundreds: fc.option(fc.integer({ min: 1, max: 6 }), { freq: 2 }),
      cooperative: fc.boolean(),
      joins: fc.boolean(),
      cleanups: fc.integer({ min: 0, max: 3 }),
      shared: fc.integer({ min: 0, max: 3 }).map((value) => value === 0),
    }),
    { minLength: 1, maxLength: MOST_NODES },
  )
  .map((drafts) =>
    drafts.map(({ parent, isRoot, hundreds, ...rest }, index) => ({
      ...rest,
      parent: index === 0 || isRoot ? -1 : Math.floor(parent * index),
      timeout: hundreds === null ? undefined : hundreds * 100 + index + 1,
    })),
  );

const node = fc.integer({ min: 0, max: MOST_NODES - 1 });
const hundreds = fc.integer({ min: 1, max: 4 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), node }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('trigger' as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancelShared' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('openShield' as const), node }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('closeShield' as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('extend' as const), node, hundreds }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), hundreds }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('finish' as const),
        node,
        succeeds: fc.boolean(),
        before: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined, freq: 3 }),
      }),
    },
  ),
  { maxLength: 30 },
);

/** Does one step in both, and compares what is true synchronously. */
function take(step: Step, model: Model, world: World): void {
  const target = 'node' in step ? model.nodes[step.node % model.nodes.length] : undefined;
  const own = target as ModelNode;
  const real = world.nodes[own?.index];
  const cancel = (which: ModelNode) => {
    if (!which.started) return;
    const expected = model.cancel(which, 'manual');
    const options = { message: `canceled ${which.index}`, requestedBy: 'the test' };
    expect(world.nodes[which.index]?.operation?.cancel(options)).toBe(expected);
    expect(world.nodes[which.index]?.operation?.cancel(options)).toBe(false);
  };
  switch (step.kind) {
    case 'start':
      if (!model.canStart(own)) return;
      model.start(own);
      world.start(real!);
      return;
    case 'cancel':
      return cancel(own);
    case 'trigger':
      if (own.started) model.cancel(own, 'condition');
      return real!.trigger();
    case 'cancelShared':
      if (model.sharedIsCanceled) return;
      model.cancelShared();
      return void world.shared.cancel();
    case 'openShield':
      if (!own.isLive || !own.bodyRan || model.hasShield(own)) return;
      model.openShield(own);
      return world.openShield(real!);
    case 'closeShield':
      model.closeShield(own);
      return world.closeShield(real!);
    case 'extend': {
      if (!own.isLive || own.reason !== undefined) return;
      own.ownDeadline = model.now + step.hundreds * 100 + own.index + 1;
      const until = real!.operation?.extend(step.hundreds * 100 + own.index + 1);
      expect(until?.getTime()).toBe((own.deadline as number) + began);
      return;
    }
    case 'advance':
      model.advance(step.hundreds * 100);
      return void jest.advanceTimersByTime(step.hundreds * 100);
    case 'finish':
      if (!own.bodyRan || own.gate !== undefined) return;
      world.finish(real!, step.succeeds);
      own.gate = step.succeeds ? 'value' : 'error';
      if (step.before !== undefined) {
        let which: ModelNode = own;
        for (let up = 0; up < step.before && which.parent !== undefined; up++) which = which.parent;
        cancel(which);
      }
      // The cancel reaches a body that waits before the value does.
      if (own.reason !== undefined && own.spec.cooperative) own.gate = undefined;
  }
}

let began = 0;

function compareNode(own: ModelNode, real: WorldNode, world: World): void {
  const { operation } = real;
  const caller = own.caller === 'cancelation' ? 'error' : own.caller;
  expect([own.index, real.caller]).toEqual([own.index, caller]);
  expect(real.bodyRan).toBe(own.bodyRan);
  expect(real.releases).toBe(own.caller === 'pending' ? 0 : 1);
  if (own.caller === 'error') expect(real.outcome).toBe(real.failure);
  if (own.caller === 'value') expect(real.outcome).toBe(own.index);
  if (own.refused) {
    expect(real.outcome).toMatchObject({ reason: 'parent', operationName: `n${own.index}` });
    expect(operation).toBeUndefined();
    const above = world.nodes[own.spec.parent]?.operation;
    if (own.origin !== undefined) expect(real.outcome.cause).toBe(above?.cancelation);
    return;
  }
  if (!own.started) return;
  expect([own.index, operation?.status]).toEqual([own.index, own.status]);
  expect(operation?.token.isCanceled).toBe(own.reason !== undefined);
  expect(operation?.token.reason).toBe(own.reason);
  if (own.caller === 'cancelation') expect(real.outcome).toBe(operation?.cancelation);
  expect(real.settledCalls).toBe(own.end === undefined ? 0 : 1);
  expect(real.sourceStops).toBe(own.end === undefined ? 0 : 1);
  if (own.end === undefined) return;
  const lifo = Array.from({ length: own.spec.cleanups }, (_, index) => index).reverse();
  expect(real.cleanups).toEqual(own.bodyRan ? lifo : []);
  expect(world.registry.find(operation?.id as string)).toMatchObject({
    status: own.end,
    ...(own.reason === undefined ? undefined : { reason: own.reason }),
  });
  expect(operation?.snapshot().returned ?? false).toBe(own.returned);
}

/** The error says who began it: its chain is the way the cancel took. */
function compareChain(own: ModelNode, world: World): void {
  const error = world.nodes[own.index]?.operation?.cancelation;
  if (error === undefined) return;
  expect(isCancelation(error)).toBe(true);
  let root = own;
  while (root.origin instanceof Object) root = root.origin;
  const first = own.origin;
  if (first === 'shared') expect(error.cause).toBe(world.shared.error);
  else if (first !== undefined)
    expect(error.cause).toBe(world.nodes[first.index]?.operation?.cancelation);
  expect(rootCause(error)?.reason).toBe(root.reason);
  if (own.reason === 'manual' && first === undefined) {
    expect(error).toMatchObject({ message: `canceled ${own.index}`, requestedBy: 'the test' });
  }
}

function compareOrder(model: Model, world: World): void {
  const wanted = model.canceledNow.filter(({ bodyRan }) => bodyRan).map(({ index }) => index);
  expect([...world.heard].sort()).toEqual([...wanted].sort());
  for (const { index, origin } of model.canceledNow) {
    if (!(origin instanceof Object) || !wanted.includes(index)) continue;
    if (!wanted.includes(origin.index)) continue;
    expect(world.heard.indexOf(index)).toBeLessThan(world.heard.indexOf(origin.index));
  }
}

function compareAll(model: Model, world: World): void {
  for (const own of model.nodes) {
    compareNode(own, world.nodes[own.index]!, world);
    compareChain(own, world);
  }
  const live = model.nodes.filter(({ isLive }) => isLive).map(({ index }) => `n${index}`);
  expect(
    world.registry
      .list()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(live.sort());
  expect(world.problems).toEqual([]);
}

/** Lets the rest end, and looks for what is left. */
async function windUp(model: Model, world: World): Promise<void> {
  for (const own of model.nodes) {
    model.closeShield(own);
    world.closeShield(world.nodes[own.index]!);
    await turn();
    model.settle();
    compareAll(model, world);
    if (own.bodyRan && own.gate === undefined) {
      own.gate = 'value';
      world.finish(world.nodes[own.index]!, true);
    }
    await turn();
    model.settle();
  }
  model.canceledNow = world.heard = [];
  compareAll(model, world);
  const { registry } = world;
  const ended = model.nodes.filter(({ started }) => started);
  expect(registry.list()).toEqual([]);
  expect(registry.history()).toHaveLength(ended.length);
  expect(CancelationToken.scopeOf(world.shared).listenerCount).toBe(0);
  const statistics = registry.statistics();
  for (const status of ['completed', 'failed', 'canceled'] as const) {
    expect(statistics.byStatus[status]).toBe(registry.history({ status }).length);
  }
  expect(statistics).toMatchObject({ live: 0, zombies: 0, byStatus: { running: 0, canceling: 0 } });
  for (const { reason } of registry.history()) {
    if (reason === undefined) continue;
    expect(statistics.byReason[reason]).toBe(registry.history({ reason }).length);
  }
  for (const { name } of registry.history()) {
    expect(statistics.byName[name]).toMatchObject({ started: 1, live: 0 });
  }
}

describe('a tree of operations, whatever happens to it in whatever order', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('agrees with the model after every step, and leaves nothing behind', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(nodeSpecs, steps, async (specs, taken) => {
        const before = [armedTimers(), startedSources()];
        const model = new Model(specs);
        const world = new World(specs);
        began = Date.now();
        for (const step of [{ kind: 'start', node: 0 } as const, ...taken]) {
          model.canceledNow = [];
          world.heard = [];
          take(step, model, world);
          for (const { index, reason } of model.canceledNow) {
            const { operation } = world.nodes[index]!;
            expect(operation?.token.isCanceled).toBe(true);
            expect(operation?.token.reason).toBe(reason);
          }
          await turn();
          model.settle();
          compareOrder(model, world);
          compareAll(model, world);
          model.nodes.forEach((own) => seen.add(`${own.status} ${own.reason} ${own.caller}`));
        }
        await windUp(model, world);
        expect([armedTimers(), startedSources()]).toEqual(before);
      }),
      { seed: 20_251, numRuns: 250 },
    );
    // The steps reach every corner that the rules tell apart.
    expect([...seen].sort()).toEqual(expect.arrayContaining(CORNERS));
  });
});

const CORNERS = [
  'completed undefined value',
  'failed undefined error',
  'canceled manual cancelation',
  'canceled manual value',
  'failed manual error',
  'canceled parent cancelation',
  'canceled timeout cancelation',
  'canceled condition cancelation',
  'canceling manual pending',
  'canceling parent cancelation',
];
