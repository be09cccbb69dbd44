import { describe, expect, it } from '@jest/globals';
import { Catch, type ExceptionFilter, UseGuards } from '@nestjs/common';
import { Query, Resolver, Subscription } from '@nestjs/graphql';
import { Cancelable, type CancelableModuleOptions } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { CheckGuard, Permissions, SlowGuard } from '../support/permissions.js';
import { ask, servers, startGraphqlApp } from './graphql-app.js';
import { connect, Watcher } from './subscribers.js';

@Resolver()
class GuardedResolver {
  @Query(() => String)
  @UseGuards(CheckGuard)
  check() {
    return 'served';
  }

  @Query(() => String)
  @UseGuards(CheckGuard)
  @Cancelable({ onShutdown: 'ignore' })
  async live() {
    return 'live';
  }

  @Query(() => String)
  @UseGuards(SlowGuard)
  slow() {
    return 'served';
  }

  @Subscription(() => String)
  @UseGuards(SlowGuard)
  async *slowTicks() {
    yield { slowTicks: 'served' };
  }
}

describe.each(servers)('the failure of a guard: %s', (server) => {
  const start = (cancelable: CancelableModuleOptions = {}, filter?: ExceptionFilter) =>
    startGraphqlApp(server, {
      providers: [GuardedResolver, Permissions],
      cancelable,
      ...(filter && { filter }),
    });

  it('is answered like the failure of a resolver: a service without room or time', async () => {
    const app = await start({ maxLive: 2 });
    expect((await ask(app, '{ slow }')).errors).toMatchObject([
      { message: 'The operation timed out', extensions: { code: 'OPERATION_TIMEOUT' } },
    ]);
    for (const name of ['one', 'two']) app.registry.spawn(name, () => deferred().promise);
    expect((await ask(app, '{ check }')).errors).toMatchObject([
      { message: 'The server is busy', extensions: { code: 'OPERATION_LIMIT' } },
    ]);
    expect(app.log.find('error')).toEqual([]);
  });

  it('is sent to a subscriber', async () => {
    const app = await start();
    const watcher = new Watcher(connect(app), 'subscription { slowTicks }');
    const told = await Promise.race([watcher.over.promise, watcher.until(1)]);
    const error = { message: 'The operation timed out', extensions: { code: 'OPERATION_TIMEOUT' } };
    expect(told).toMatchObject(server === 'Mercurius' ? [error] : [{ errors: [error] }]);
    expect(app.log.find('error')).toEqual([]);
  });

  it('reaches filters as it would from a handler', async () => {
    const caught: unknown[] = [];
    @Catch()
    class NotingFilter implements ExceptionFilter {
      catch(error: unknown) {
        caught.push(error);
        throw error;
      }
    }
    const app = await start({}, new NotingFilter());
    expect((await ask(app, '{ slow }')).errors).toMatchObject([
      { extensions: { code: 'OPERATION_TIMEOUT' } },
    ]);
    expect(caught).toMatchObject([{ extensions: { code: 'OPERATION_TIMEOUT' } }]);
  });

  it('is a refusal while the application drains, and guards still hold for what is served', async () => {
    const app = await start({ shutdown: { grace: '3s' } });
    const gate = deferred();
    app.registry.spawn('what runs', () => gate.promise);
    const closed = app.app.close();
    while (!app.registry.draining) await turn();
    expect((await ask(app, '{ check }')).errors).toMatchObject([
      { message: 'The server is shutting down', extensions: { code: 'OPERATION_REFUSED' } },
    ]);
    expect(await ask(app, '{ live }')).toEqual({ data: { live: 'live' } });
    expect(app.log.find('error')).toEqual([]);
    gate.resolve();
    await closed;
  });
});
