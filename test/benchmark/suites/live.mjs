import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { currentToken } from 'nestjs-cancelable';
import { decoratedProvider, heapUsed, milliseconds, round, verdict } from './support.mjs';

const LIVE = 100_000;
const TIMEOUT = 600_000;

/** Never ends by itself; ends with its signal, if it gets one. */
const pending = () => new Promise(() => {});
const listening = (signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/**
 * Begins 100,000 calls and leaves them pending.
 *
 * @returns the promises, how many are live, and how to cancel them all
 */
const variants = {
  'bare promise': () => ({ begin: pending }),
  '@Cancelable, no signal': () => ours(pending),
  '@Cancelable, signal and listener': () => ours(() => listening(currentToken().signal)),
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

async function ours(body) {
  const { service, registry } = await decoratedProvider({ timeout: TIMEOUT }, body);
  return {
    registry,
    begin: () => service.method(),
    live: () => registry.list().length,
    cancelAll: () => registry.cancelAll({}),
  };
}

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
    const outcomes = await settled;
    result.released = performance.now() - start;
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    return result;
  },
  report(medians) {
    const bare = medians['bare promise'].bytes;
    const hand = medians['by hand: AbortController + setTimeout + race'].cancel;
    const scale = 1_150 / hand;
    const limits = {
      '@Cancelable, no signal': [40, 20],
      '@Cancelable, signal and listener': [500, 350],
    };
    const rows = Object.entries(medians).map(([variant, { bytes, cancel }]) => {
      const [must, aim] = limits[variant] ?? [];
      return {
        variant,
        'bytes each': Math.round(bytes),
        'above bare': Math.round(bytes - bare),
        'cancel all': cancel === 0 ? '' : `${round(cancel, 0)} ms`,
        'where by hand takes 1150 ms': cancel === 0 ? '' : `${round(cancel * scale, 1)} ms`,
        limit: must === undefined ? '' : `${must} ms, aim ${aim} ms`,
        met: must === undefined ? '' : verdict(cancel * scale, must, aim),
      };
    });
    const own = medians['@Cancelable, no signal'];
    for (const key of ['list', 'filter']) {
      rows.push({
        variant: `${key} all of them`,
        'cancel all': `${round(own[key], 1)} ms`,
        'where by hand takes 1150 ms': `${round(own[key] * scale, 1)} ms`,
        limit: '4 ms, aim 2 ms',
        met: verdict(own[key] * scale, 4, 2),
      });
    }
    rows.push({
      variant: 'memory above a bare promise, no signal',
      'above bare': Math.round(own.bytes - bare),
      limit: '700 B, aim 450 B',
      met: verdict(own.bytes - bare, 700, 450),
    });
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
    await settled;
  }
}

function best(action) {
  let fastest = Infinity;
  for (let run = 0; run < 5; run++) fastest = Math.min(fastest, milliseconds(action));
  return fastest;
}
