import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Cancelable, OperationRegistry } from 'nestjs-cancelable';
import { rejection, thrown, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

/** A promise that knows whether somebody would hear of its failure. */
class Promised implements PromiseLike<unknown> {
  isHeard = false;

  then(_resolved?: unknown, rejected?: unknown): never {
    this.isHeard = typeof rejected === 'function';
    return undefined as never;
  }
}

const KEYS = ['timeout', 'deadline', 'tags', 'metadata', 'id', 'sources'] as const;

describe('option functions that give what is not possible', () => {
  it('the call rejects, and says why', async () => {
    class Work {
      @Cancelable({ timeout: (() => ({ seconds: 1 })) as unknown as () => number })
      async described() {}
    }
    const error = await rejection(new Work().described());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/Work\.described: timeout.*is not a valid duration/);
  });

  it.each([...KEYS, 'exclusive.key'])('%s: a promise is refused, and heard', async (key) => {
    const promised = new Promised();
    const give = () => promised;
    const options =
      key === 'exclusive.key'
        ? { exclusive: { key: give, onConflict: 'reject' } }
        : { [key]: give };
    class Work {
      @Cancelable(options as never)
      async run() {}
    }

    const error = await rejection(new Work().run());

    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`@Cancelable() on Work.run: ${key}: a promise is not allowed`);
    expect(error.message).toContain('in a guard or a pipe');
    expect(promised.isHeard).toBe(true);
  });

  it.each([...KEYS, 'exclusive.key'])(
    '%s: an async function is refused when the class is defined',
    (key) => {
      const give = async () => undefined;
      const options =
        key === 'exclusive.key'
          ? { exclusive: { key: give, onConflict: 'reject' } }
          : { [key]: give };
      const error = thrown(() => {
        class Work {
          @Cancelable(options as never)
          async run() {}
        }
        return Work;
      });

      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('@Cancelable() on Work.run: ');
      expect(error.message).toContain('is async, and gives a promise');
    },
  );

  it.each(KEYS)('%s: a promise in place of the value is refused, and heard', (key) => {
    const promised = new Promised();
    const error = thrown(() => {
      class Work {
        @Cancelable({ [key]: promised } as never)
        async run() {}
      }
      return Work;
    });

    expect(error.message).toContain(`${key}: a promise is not allowed`);
    expect(promised.isHeard).toBe(true);
  });
});

describe('other functions and values that may not be promises', () => {
  const registry = new OperationRegistry();

  it.each(['metadata', 'tags', 'timeout', 'id', 'exclusive'])(
    'run({ %s }) refuses a promise, and hears it',
    (key) => {
      const promised = new Promised();
      const error = thrown(() => registry.run({ [key]: promised }, () => 1));

      expect(error.message).toContain(`registry.run(): ${key}: a promise is not allowed`);
      expect(promised.isHeard).toBe(true);
    },
  );

  it('a filter that gives a promise matches nothing, since it would match everything', async () => {
    const operation = registry.spawn('work', ({ token }) => token.whenCanceled());
    const promised = new Promised();
    const gives = () => promised as never;

    expect(thrown(() => registry.cancelAll({ where: gives })).message).toContain(
      'cancelAll(): where: a promise is not allowed',
    );
    expect(promised.isHeard).toBe(true);
    const isAsync = (async () => false) as never;
    expect(thrown(() => registry.cancelAll({ where: isAsync })).message).toContain('is async');
    expect(operation.status).toBe('running');
    operation.cancel();
    await registry.whenIdle();
  });
});

describe.each(adapters)('option functions of handlers that give promises, on %s', (adapter) => {
  it('are an error of the server that says what to do, and nothing unhandled', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    const late = () => Promise.reject(new Error('no such user')) as never;

    @Controller()
    class Reports {
      @Get()
      @Cancelable({ metadata: late })
      async build() {
        return 'built';
      }
    }
    const { url, log, registry } = await startHttpApp(adapter, { controllers: [Reports] });

    expect((await get(url)).status).toBe(500);
    await turn();
    process.off('unhandledRejection', hear);

    expect(log.find('error', 'metadata: a promise is not allowed')).toHaveLength(1);
    expect(log.find('error', 'Reports.build')).toHaveLength(1);
    expect(unhandled).toEqual([]);
    expect(registry.list()).toEqual([]);
  });
});
