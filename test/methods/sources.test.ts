import { describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Cancelable,
  type CancelationSource,
  CancelationToken,
  currentOperation,
  type SourceTrigger,
} from 'nestjs-cancelable';
import { lastValueFrom, NEVER, Observable } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { type Deferred, deferred, isPending, rejection, turn } from '../support/deferred.js';

/** Says by itself when it is started and stopped. */
class Bell {
  readonly calls: string[] = [];
  starting: Deferred<void> | undefined;
  atOnce = false;
  ring: (found?: SourceTrigger) => void = () => {};

  source(name = 'bell'): CancelationSource {
    return {
      name,
      inject: [Belfry],
      start: (trigger, operation, belfry: Belfry) => {
        this.calls.push(`start ${operation.name} in ${belfry.town}`);
        this.ring = trigger;
        if (this.atOnce) trigger({ message: 'rung already' });
        const stop = () => void this.calls.push('stop');
        return this.starting === undefined ? stop : this.starting.promise.then(() => stop);
      },
    };
  }
}

@Injectable()
class Belfry {
  readonly town = 'Ghent';
}

let bell = new Bell();
let bodies = 0;
/** As the options of the class are read once, they lead to the bell of the test. */
const ofTheTest = (): CancelationSource => ({
  name: 'bell',
  inject: [Belfry],
  start: (trigger, operation, belfry: Belfry) => bell.source().start(trigger, operation, belfry),
});

@Injectable()
class Work {
  readonly floor = 'third';

  @Cancelable({ sources: [ofTheTest()] })
  async promise() {
    bodies++;
    return currentOperation().sleep('1h');
  }

  @Cancelable({ sources: [ofTheTest()] })
  observable(): Observable<number> {
    bodies++;
    return NEVER;
  }

  @Cancelable({ sources: [ofTheTest()] })
  async *generator(): AsyncGenerator<number> {
    bodies++;
    yield 1;
    await currentOperation().sleep('1h');
  }

  @Cancelable({
    sources(this: Work, name: string, token: CancelationToken) {
      return name === 'none'
        ? undefined
        : [bell.source(`${name} on the ${this.floor} floor`), token];
    },
  })
  async perCall(_name: string, _token: CancelationToken, _more?: number) {
    bodies++;
    return currentOperation().sleep('1h');
  }

  @Cancelable({ sources: (name: string) => [bell.source(name)] })
  observablePerCall(_name: string): Observable<number> {
    bodies++;
    return NEVER;
  }

  @Cancelable({ sources: (name: string) => [bell.source(name)] })
  async *generatorPerCall(_name: string): AsyncGenerator<number> {
    bodies++;
    yield 1;
    await currentOperation().sleep('1h');
  }

  @Cancelable({ sources: () => ['soon'] })
  async impossible() {}

  @Cancelable({ stall: '1m' })
  async quiet(steps: Deferred<void>) {
    await steps.promise;
    currentOperation().reportProgress('half');
    return new Promise<never>(() => {});
  }
}

const call = {
  promise: (work: Work) => work.promise(),
  observable: (work: Work) => lastValueFrom(work.observable()),
  generator: async (work: Work) => {
    for await (const _item of work.generator());
  },
  'promise per call': (work: Work) => work.perCall('front', CancelationToken.none),
  'observable per call': (work: Work) => lastValueFrom(work.observablePerCall('front')),
  'generator per call': async (work: Work) => {
    for await (const _item of work.generatorPerCall('front'));
  },
};

describe.each(Object.entries(call))('@Cancelable({ sources }) on a %s method', (_name, begin) => {
  const start = async () => {
    bell = new Bell();
    bodies = 0;
    const context = await startContext({ providers: [Work, Belfry] });
    return { ...context, work: context.app.get(Work) };
  };

  it('starts with injected providers before the body, and cancels it', async () => {
    const { work, registry } = await start();
    const outcome = rejection(begin(work));
    await turn();
    expect(bodies).toBe(1);
    expect(bell.calls).toEqual([expect.stringMatching(/^start Work\.\w+ in Ghent$/)]);
    bell.ring({ message: 'noon' });
    expect(await outcome).toMatchObject({ reason: 'condition', message: 'noon' });
    await registry.whenIdle();
    expect(bell.calls).toHaveLength(2);
  });

  it('waits for a source that takes time to start', async () => {
    const { work, registry } = await start();
    bell.starting = deferred();
    const result = begin(work);
    const outcome = rejection(result);
    expect(await isPending(result)).toBe(true);
    expect(bodies).toBe(0);
    bell.starting.resolve();
    await turn();
    expect(bodies).toBe(1);
    bell.ring();
    expect(await outcome).toMatchObject({ reason: 'condition' });
    await registry.whenIdle();
    expect(bell.calls.slice(1)).toEqual(['stop']);
  });

  it.each(['at once', 'while it takes its time'])(
    'does not run the body when the source triggers %s',
    async (when) => {
      const { work, registry } = await start();
      bell.atOnce = true;
      if (when !== 'at once') bell.starting = deferred();
      const outcome = rejection(begin(work));
      await turn();
      bell.starting?.resolve();
      expect(await outcome).toMatchObject({ reason: 'condition', message: 'rung already' });
      await registry.whenIdle();
      await turn();
      expect(bodies).toBe(0);
      expect(bell.calls.slice(1)).toEqual(['stop']);
      expect(registry.history()).toMatchObject([{ status: 'canceled', reason: 'condition' }]);
    },
  );

  it('fails with what a source rejects with while it starts', async () => {
    const { work, registry } = await start();
    bell.starting = deferred();
    const outcome = rejection(begin(work));
    const error = new Error('no rope');
    await turn();
    bell.starting.reject(error);
    expect(await outcome).toBe(error);
    expect(bodies).toBe(0);
    await registry.whenIdle();
    expect(registry.history()).toMatchObject([{ status: 'failed' }]);
  });
});

describe('@Cancelable({ sources }) as a function of the call', () => {
  it('gets the arguments and the instance, and may give nothing', async () => {
    bell = new Bell();
    const { app, registry } = await startContext({ providers: [Work, Belfry] });
    const work = app.get(Work);
    const token = new CancelationToken();
    const rung = rejection(work.perCall('front', token));
    bell.ring();
    expect(await rung).toMatchObject({ message: 'front on the third floor' });
    const stopped = rejection(work.perCall('back', token));
    const none = work.perCall('none', token);
    none.catch(() => {});
    token.cancel({ message: 'token', requestedBy: 'ann' });
    expect(await stopped).toMatchObject({ reason: 'manual', message: 'token', requestedBy: 'ann' });
    expect(await isPending(none)).toBe(true);
    registry.cancelAll({});
  });

  it('is checked when it is called', async () => {
    const { app } = await startContext({ providers: [Work, Belfry] });
    const error = await rejection(app.get(Work).impossible());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/Work\.impossible: sources\[0\].*'soon'/);
  });

  it('values are checked when the class is defined', () => {
    const define = (options: object) => () => {
      class Wrong {
        @Cancelable(options)
        async work() {}
      }
      return Wrong;
    };
    expect(define({ sources: [{ name: 'x' }] })).toThrow(/Wrong\.work.*sources\[0\]/);
    expect(define({ sources: '5s' })).toThrow(/an array of sources/);
    expect(define({ stall: 'soon' })).toThrow(/Wrong\.work.*stall/);
    expect(define({ exclusive: { onConflict: 'queue' } })).toThrow(/'queue' is not allowed/);
    expect(define({ exclusive: { key: () => 'a' } })).toThrow(/onConflict/);
    expect(define({ exclusive: { key: 7, onConflict: 'skip' } })).toThrow(/exclusive/);
  });
});

describe('@Cancelable({ stall })', () => {
  it('cancels after so long without progress, counted from the last', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      const { app } = await startContext({ providers: [Work, Belfry] });
      const steps = deferred();
      const result = app.get(Work).quiet(steps);
      const outcome = rejection(result);
      jest.advanceTimersByTime(50_000);
      steps.resolve();
      expect(await isPending(result)).toBe(true);
      jest.advanceTimersByTime(50_000);
      expect(await isPending(result)).toBe(true);
      jest.advanceTimersByTime(10_000);
      expect(await outcome).toMatchObject({ reason: 'timeout', message: 'no progress for 1m' });
    } finally {
      jest.useRealTimers();
    }
  });
});
