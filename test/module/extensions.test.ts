import { describe, expect, it } from '@jest/globals';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type CancelableExtension, type CancelableExtensionHost } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { startContext } from '../support/app-context.js';
import { withQuickShutdown } from '../support/quick-shutdown.js';

function recording(name: string, steps: string[], rest: object = {}): CancelableExtension {
  return {
    name,
    async install() {
      steps.push(`${name} in`);
      await Promise.resolve();
      return async () => {
        await Promise.resolve();
        steps.push(`${name} out`);
      };
    },
    ...rest,
  };
}

describe('extensions', () => {
  it('are installed in order and taken back in reverse, each when the one before is done', async () => {
    const steps: string[] = [];
    const { app } = await startContext(
      {},
      { extensions: ['a', 'b', 'c'].map((name) => recording(name, steps)) },
    );
    expect(steps).toEqual(['a in', 'b in', 'c in']);

    await app.close();

    expect(steps.slice(3)).toEqual(['c out', 'b out', 'a out']);
  });

  it("are in place before the application's own hooks run", async () => {
    const steps: string[] = [];
    @Injectable()
    class Starter implements OnModuleInit {
      onModuleInit() {
        steps.push('hook');
      }
    }
    await startContext({ providers: [Starter] }, { extensions: [recording('a', steps)] });

    expect(steps).toEqual(['a in', 'hook']);
  });

  it('get the registry and a log, and need not give anything back', async () => {
    let host: CancelableExtensionHost | undefined;
    const extension: CancelableExtension = {
      name: 'looks around',
      install: (given) => {
        host = given;
      },
    };
    const { app, registry, log } = await startContext({}, { extensions: [extension] });
    host?.log.warn('hello');

    expect(host?.registry).toBe(registry);
    expect(log.find('warn', 'hello')).toHaveLength(1);
    await app.close();
  });

  it('one that cannot be taken back is logged, and the others are', async () => {
    const steps: string[] = [];
    const broken: CancelableExtension = {
      name: 'broken',
      install: () => () => {
        throw new RangeError('stuck');
      },
    };
    const { app, log } = await startContext(
      {},
      { extensions: [recording('a', steps), broken, recording('c', steps)] },
    );
    await app.close();

    expect(steps).toEqual(['a in', 'c in', 'c out', 'a out']);
    expect(log.find('error', 'the extension broken could not be taken back')).toHaveLength(1);
  });

  it('one that cannot be installed stops the start-up, and those before it are taken back', async () => {
    const steps: string[] = [];
    const broken: CancelableExtension = {
      name: 'broken',
      install: () => Promise.reject(new RangeError('no server')),
    };

    const error = await rejection(
      startContext({}, { extensions: [recording('a', steps), broken, recording('c', steps)] }),
    );

    expect(error).toMatchObject({ name: 'RangeError', message: 'no server' });
    expect(steps).toEqual(['a in', 'a out']);
  });

  it('installed once, however often the module is imported', async () => {
    const steps: string[] = [];
    const options = { extensions: [recording('a', steps)] };
    const { CancelableModule } = await import('nestjs-cancelable');
    await startContext(
      { imports: [CancelableModule.forRoot(withQuickShutdown(options))] },
      options,
    );

    expect(steps).toEqual(['a in']);
  });
});
