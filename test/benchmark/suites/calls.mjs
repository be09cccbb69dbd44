import { AsyncLocalStorage } from 'node:async_hooks';
import { currentToken } from 'nestjs-cancelable';
import { decoratedProvider, nanosecondsPerCall, round, verdict } from './support.mjs';

const TIMEOUT = 30_000;
const work = async () => 1;

async function decorated(options, body) {
  const { service } = await decoratedProvider(options, body);
  return () => service.method();
}

/** The same job each: an async function that is given up after 30 s. */
const variants = {
  'floor: storage.run + setTimeout + clearTimeout': () => {
    const storage = new AsyncLocalStorage();
    return () =>
      storage.run({}, async () => {
        const timer = setTimeout(() => {}, TIMEOUT);
        const value = await work();
        clearTimeout(timer);
        return value;
      });
  },
  "@Cancelable, settle 'wait'": () => decorated({ timeout: TIMEOUT, settle: 'wait' }, work),
  "@Cancelable, settle 'race'": () => decorated({ timeout: TIMEOUT }, work),
  '@Cancelable, signal used': () =>
    decorated({ timeout: TIMEOUT }, async () => (currentToken().signal.aborted ? 0 : 1)),
  'by hand: AbortController + setTimeout + race': () => async () => {
    const controller = new AbortController();
    let timer;
    const late = new Promise((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason));
    });
    timer = setTimeout(() => controller.abort(new Error('timeout')), TIMEOUT);
    try {
      return await Promise.race([work(controller.signal), late]);
    } finally {
      clearTimeout(timer);
    }
  },
  'cockatiel 3 timeout': async () => {
    const { timeout, TimeoutStrategy } = await import('cockatiel');
    const policy = timeout(TIMEOUT, TimeoutStrategy.Aggressive);
    return () => policy.execute(work);
  },
  'p-timeout 7': async () => {
    const { default: pTimeout } = await import('p-timeout');
    return () => pTimeout(work(), { milliseconds: TIMEOUT });
  },
  'rxjs timeout': async () => {
    const { defer, lastValueFrom, timeout } = await import('rxjs');
    return () => lastValueFrom(defer(work).pipe(timeout(TIMEOUT)));
  },
  'abort-controller-x': async () => {
    const { delay, race } = await import('abort-controller-x');
    return () => {
      const { signal } = new AbortController();
      return race(signal, (inner) => [work(inner), delay(inner, TIMEOUT)]);
    };
  },
  effect: async () => {
    const { Effect } = await import('effect');
    const program = Effect.promise(work).pipe(Effect.timeout(TIMEOUT));
    return () => Effect.runPromise(program);
  },
};

const LIMITS = {
  "@Cancelable, settle 'wait'": [1.4, 1.15],
  "@Cancelable, settle 'race'": [1.7, 1.3],
  '@Cancelable, signal used': [9, 7],
};

export const calls = {
  name: 'calls',
  title: 'One call with a 30 s timeout (F: the floor)',
  variants: Object.keys(variants),
  async measure(variant) {
    // A storage that is in use is what an application with any context library has.
    new AsyncLocalStorage().run({}, () => {});
    return { nanoseconds: await nanosecondsPerCall(await variants[variant]()) };
  },
  report(medians) {
    const floor = medians['floor: storage.run + setTimeout + clearTimeout'].nanoseconds;
    const own = medians["@Cancelable, settle 'race'"].nanoseconds;
    return Object.entries(medians).map(([variant, { nanoseconds }]) => {
      const limits = LIMITS[variant];
      return {
        variant,
        'ns/call': Math.round(nanoseconds),
        'in F': round(nanoseconds / floor),
        'against race': `${round(nanoseconds / own, 1)}x`,
        limit: limits === undefined ? '' : `${limits[0]} F, aim ${limits[1]} F`,
        met: limits === undefined ? '' : verdict(nanoseconds / floor, ...limits),
      };
    });
  },
};
