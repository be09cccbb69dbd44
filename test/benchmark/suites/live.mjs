import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { currentToken, OperationRegistry } from 'nestjs-cancelable';
import { decoratedProvider, heapUsed, milliseconds, round, verdict } from './support.mjs';

const LIVE = 100_000;
const TIMEOUT = 600_000;

/**
 * What the pending promises wait for is held, as a socket or a timer would hold it: a promise that
 * nobody can settle is collected with all that hangs on it, and would not be measured.
 */
const held = [];
const pending = async () => {
  await new Promise((resolve) => held.push(resolve));
};
const listening = (signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/**
 * Begins 100,000 calls and leaves them pending.
 *
 * @returns the promises, how many are live, and how to cancel them all
 */
const variants = {
  'the same body in a storage': () => {
    const storage = new AsyncLocalStorage();
    return { begin: () => storage.run({}, pending) };
  },
  'the same with a timer of its own': () => {
    const storage = new AsyncLocalStorage();
    return {
      begin: () =>
        storage.run({}, async () => {
          const timer = setTimeout(() => {}, TIMEOUT);
          await pending();
          clearTimeout(timer);
        }),
    };
  },
  "@Cancelable, settle 'race'": () => ours({}, pending),
  "@Cancelable, settle 'wait'": () => ours({ settle: 'wait' }, pending),
  "registry.run, settle 'race'": () => run({}),
  "registry.run, settle 'wait'": () => run({ settle: 'wait' }),
  '@Cancelable, signal and listener': () => ours({}, () => listening(currentToken().signal)),
  'by hand: AbortController + setTimeout + race': () => {
    const controllers = [];
    const begin = async () => {
      const controller = new AbortController();
      controllers.push(controller);
      const late = new Promise((_, reject) => {
        controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
      });
      const timer = setTimeout(() => controller.abort(new Error('timeout')), TIMEOUT);
      try {
        return await Promise.race([listening(controller.signal), late]);
      } finally {
        clearTimeout(timer);
      }
    };
    return {
      begin,
      live: () => controllers.length,
      cancelAll: () => controllers.forEach((controller) => controller.abort(new Error('stop'))),
    };
  },
  'cockatiel 3 timeout': async () => {
    const { timeout, TimeoutStrategy } = await import('cockatiel');
    const policy = timeout(TIMEOUT, TimeoutStrategy.Aggressive);
    const controllers = [];
    return {
      begin: () => {
        const controller = new AbortController();
        controllers.push(controller);
        return policy.execute(({ signal }) => listening(signal), controller.signal);
      },
      live: () => controllers.length,
      cancelAll: () => controllers.forEach((controller) => controller.abort(new Error('stop'))),
    };
  },
};

async function ours(options, body) {
  const { service, registry } = await decoratedProvider({ timeout: TIMEOUT, ...options }, body);
  return inRegistry(registry, () => service.method());
}

function run(options) {
  const registry = new OperationRegistry();
  return inRegistry(registry, () =>
    registry.run({ name: 'work', timeout: TIMEOUT, ...options }, pending),
  );
}

const inRegistry = (registry, begin) => ({
  registry,
  begin,
  live: () => registry.list().length,
  cancelAll: () => registry.cancelAll({}),
});

/** Lets what waits go on, as when all sockets answer at once. */
function release() {
  for (const resolve of held.splice(0)) resolve();
}

const BASE = 'the same body in a storage';
/** Held to 700 bytes above it. */
const MEMORY = [
  "@Cancelable, settle 'race'",
  "@Cancelable, settle 'wait'",
  "registry.run, settle 'race'",
  "registry.run, settle 'wait'",
];
/** Milliseconds: what must be, and the aim. */
const CANCEL = {
  "@Cancelable, settle 'race'": [40, 20],
  '@Cancelable, signal and listener': [500, 350],
};

export const live = {
  name: 'live',
  title: `${LIVE.toLocaleString('en')} live operations`,
  variants: Object.keys(variants),
  async measure(variant) {
    new AsyncLocalStorage().run({}, () => {});
    const subject = await variants[variant]();
    await warmUp(variant);
    const before = heapUsed();
    const promises = new Array(LIVE);
    for (let index = 0; index < LIVE; index++) promises[index] = subject.begin();
    const bytes = (heapUsed() - before) / LIVE;
    const result = { bytes, cancel: 0, released: 0, list: 0, filter: 0 };
    if (subject.cancelAll === undefined) return result;
    assert.equal(subject.live(), LIVE, 'all are live before they are canceled');
    if (subject.registry !== undefined) {
      const { registry } = subject;
      registry.list();
      result.list = best(() => assert.equal(registry.list().length, LIVE));
      result.filter = best(() => assert.equal(registry.list({ name: 'other' }).length, 0));
    }
    const settled = Promise.allSettled(promises);
    const start = performance.now();
    result.cancel = milliseconds(() => subject.cancelAll());
    release();
    const outcomes = await settled;
    result.released = performance.now() - start;
    if (variant.includes('wait')) return result; // Whoever waits for the body gets its value.
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    return result;
  },
  report(medians) {
    const base = medians[BASE].bytes;
    const hand = medians['by hand: AbortController + setTimeout + race'].cancel;
    const scale = 1_150 / hand;
    const rows = Object.entries(medians).map(([variant, { bytes, cancel }]) => {
      const row = {
        variant,
        'bytes each': Math.round(bytes),
        [`above ${BASE}`]: Math.round(bytes - base),
        'limit for memory': '',
        'memory met': '',
        'cancel all': cancel === 0 ? '' : `${round(cancel, 0)} ms`,
        'where by hand takes 1150 ms': cancel === 0 ? '' : `${round(cancel * scale, 1)} ms`,
        limit: '',
        met: '',
      };
      if (MEMORY.includes(variant)) {
        row['limit for memory'] = '700 B, aim 450 B';
        row['memory met'] = verdict(bytes - base, 700, 450);
      }
      const [must, aim] = CANCEL[variant] ?? [];
      if (must !== undefined) {
        row.limit = `${must} ms, aim ${aim} ms`;
        row.met = verdict(cancel * scale, must, aim);
      }
      return row;
    });
    const own = medians["@Cancelable, settle 'race'"];
    for (const key of ['list', 'filter']) {
      rows.push({
        variant: `${key} all of them`,
        'cancel all': `${round(own[key], 1)} ms`,
        'where by hand takes 1150 ms': `${round(own[key] * scale, 1)} ms`,
        limit: '4 ms, aim 2 ms',
        met: verdict(own[key] * scale, 4, 2),
      });
    }
    return rows;
  },
};

/** Code that runs for the first time is measured as the interpreter runs it: not meant here. */
async function warmUp(variant) {
  for (let round = 0; round < 5; round++) {
    const subject = await variants[variant]();
    if (subject.cancelAll === undefined) return;
    const promises = Array.from({ length: 2_000 }, () => subject.begin());
    const settled = Promise.allSettled(promises);
    if (subject.registry !== undefined) {
      subject.registry.list();
      subject.registry.list({ name: 'other' });
      subject.registry.cancelAll({});
    } else {
      subject.cancelAll();
    }
    release();
    await settled;
  }
}

function best(action) {
  let fastest = Infinity;
  for (let run = 0; run < 5; run++) fastest = Math.min(fastest, milliseconds(action));
  return fastest;
}
