import { describe, expect, it } from '@jest/globals';
import { Query, Resolver } from '@nestjs/graphql';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { post } from '../support/http-client.js';
import { servers, startGraphqlApp } from './graphql-app.js';

describe.each(servers)('A shutdown of GraphQL: %s', (server) => {
  it('answers what finishes, refuses what comes, and cancels the rest', async () => {
    const entered = [deferred(), deferred()];
    const gate = deferred<string>();
    @Resolver()
    class Reports {
      @Query(() => String)
      @Cancelable()
      slow() {
        entered[0]?.resolve();
        return gate.promise;
      }
      @Query(() => String)
      @Cancelable()
      async endless() {
        entered[1]?.resolve();
        await currentOperation().sleep('1h');
        return 'never';
      }
      @Query(() => String)
      plain() {
        return 'plain';
      }
      @Query(() => String)
      @Cancelable({ onShutdown: 'ignore' })
      async live() {
        return 'live';
      }
    }
    const host = await startGraphqlApp(server, {
      providers: [Reports],
      cancelable: { shutdown: { grace: '3s' } },
    });
    const ask = async (query: string) => {
      const answer = await post(`${host.url}/graphql`, { query });
      expect(answer.headers['connection']).toBe('close');
      const { data, errors } = answer.json();
      return errors?.[0].extensions.code ?? data;
    };
    const slow = ask('{ slow }');
    const endless = ask('{ endless }');
    await Promise.all(entered.map(({ promise }) => promise));
    const closed = host.app.close();
    while (!host.registry.draining) await turn();

    expect(await ask('{ plain }')).toBe('OPERATION_REFUSED');
    expect(await ask('{ slow }')).toBe('OPERATION_REFUSED');
    expect(await ask('{ live }')).toEqual({ live: 'live' });
    gate.resolve('slow');
    expect(await slow).toEqual({ slow: 'slow' });
    expect(await endless).toBe('OPERATION_SHUTDOWN');
    await closed;
  });
});
