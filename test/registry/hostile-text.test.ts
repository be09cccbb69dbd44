import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Query } from '@nestjs/common';
import {
  Cancelable,
  type Operation,
  type OperationLog,
  OperationRegistry,
} from 'nestjs-cancelable';
import { deferred, rejection, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

/** Begins a line of the log of its own, in four ways, with frames of its own, and clears a terminal. */
const HOSTILE =
  'x\n[Nest] 1  - LOG forged\r\nforged\u2028forged\u0085forged\n    at forged (file.ts:1:1)\u001b[2J\u202e';

class Lines implements OperationLog {
  readonly all: string[] = [];
  debug = (...texts: unknown[]) => void this.all.push(...texts.map(String));
  warn = this.debug;
  error = this.debug;
}

/** What stands on a line of its own, though nobody but the user wrote it. */
function forged(texts: readonly string[]): string[] {
  return texts
    .flatMap((text) => text.split(/[\n\r\u2028\u2029\u0085\v\f]/).slice(1))
    .filter((line) => !/^\s+at /.test(line) || line.includes('forged'));
}

function expectSafe(texts: readonly string[]): void {
  expect(forged(texts)).toEqual([]);
  expect(texts.join('').replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  expect(texts.join('')).toContain('x\\n[Nest] 1  - LOG forged\\r\\nforged\\u2028forged\\x85');
}

const hostile = () => new Error(HOSTILE);

/** Each makes the registry write a line. */
const writers: Readonly<Record<string, (registry: OperationRegistry) => unknown>> = {
  'a zombie, by name and message': async (registry) => {
    const gate = deferred();
    const operation = registry.spawn(HOSTILE, () => gate.promise);
    const lingers = new Promise((resolve) => {
      registry.events$.subscribe(({ type }) => type === 'zombie' && resolve(undefined));
    });
    operation.cancel({ message: HOSTILE, requestedBy: HOSTILE });
    await lingers;
    gate.resolve();
  },
  'an error that comes late': async (registry) => {
    const gate = deferred();
    const late = registry.run(HOSTILE, (operation) => {
      operation.cancel();
      return gate.promise;
    });
    await rejection(late);
    gate.reject(hostile());
  },
  'a value that comes late': (registry) =>
    rejection(registry.run(HOSTILE, (operation) => operation.cancel())),
  'a spawned failure, with its stack': (registry) =>
    rejection(registry.spawn('spawned', () => Promise.reject(hostile())).result),
  'a listener that fails': (registry) =>
    registry.run('one', (operation) => {
      operation.onCancel(() => {
        throw hostile();
      });
      operation.cancel();
    }),
  'a cleanup that fails': (registry) =>
    registry.run('one', (operation) => void operation.defer(() => Promise.reject(hostile()))),
  'a source that cannot be stopped': (registry) => {
    const stop = () => {
      throw hostile();
    };
    return registry.run({ sources: [{ name: HOSTILE, start: () => stop }] }, () => 1);
  },
  'work that is lost': (registry) =>
    registry.run(HOSTILE, () => {
      void registry.run(HOSTILE, (child) => child.sleep('1h'));
    }),
  'a part of a handle': async (registry) => {
    const handle = registry.start(HOSTILE);
    const gate = deferred();
    const part = handle.run(() => gate.promise);
    handle.operation.cancel();
    await rejection(part);
    gate.reject(hostile());
    await handle.complete().catch(() => {});
  },
  'a subscriber that fails': (registry) => {
    registry.events$.subscribe(() => {
      throw hostile();
    });
    return registry.run('one', () => 1);
  },
  'a shield that takes too long': async (registry) => {
    const gate = deferred();
    const shielded = registry.run(HOSTILE, (operation: Operation) => {
      operation.cancel();
      return operation.shield(() => gate.promise, { limit: 1 });
    });
    await rejection(shielded);
    gate.resolve();
  },
};

describe('what users write is one line of the log, and does nothing in a terminal', () => {
  it.each(Object.keys(writers))('%s', async (key) => {
    const logger = new Lines();
    const registry = new OperationRegistry({ logger, zombies: { after: 1 } });

    await Promise.resolve(writers[key]!(registry)).catch(() => {});
    await registry.whenIdle();
    await turn();

    expectSafe(logger.all);
  });
});

@Controller()
class Reports {
  @Get('timeout')
  @Cancelable({ timeout: (wait: string) => wait })
  async limited(@Query('wait') wait: string) {
    return wait;
  }

  @Get('metadata')
  @Cancelable({ metadata: (given: string) => given as never })
  async described(@Query('given') given: string) {
    return given;
  }
}

describe.each(adapters)('on %s', (adapter) => {
  it('what the shutdown names is one line', async () => {
    const { app, log, registry } = await startHttpApp(adapter, {
      cancelable: { shutdown: { grace: 1, cleanup: 1 } },
    });
    const gate = deferred();
    registry.spawn(HOSTILE, () => gate.promise);

    await app.close();
    gate.resolve();

    const lines = log.lines.map(({ text }) => text).filter((text) => text.includes('Shutdown'));
    expect(lines.length).toBeGreaterThanOrEqual(3);
    expectSafe(lines);
  });

  it.each(['timeout?wait', 'metadata?given'])(
    'what Nest logs of an impossible value is quoted: %s',
    async (path) => {
      const { url, log } = await startHttpApp(adapter, { controllers: [Reports] });

      const answer = await get(`${url}/${path}=${encodeURIComponent(HOSTILE)}`);

      expect(answer.status).toBe(500);
      expectSafe(log.find('error', '@Cancelable() on Reports'));
    },
  );
});
