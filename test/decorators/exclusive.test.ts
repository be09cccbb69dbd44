import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cancelable, currentToken, OperationConflict } from 'nestjs-cancelable';
import { type AppContext, startContext } from '../support/app-context.js';
import { type Deferred, deferred, rejection } from '../support/deferred.js';

@Injectable()
class Search {
  readonly tenant = 'acme';
  readonly gates: Deferred<string>[] = [];

  private next(): Promise<string> {
    const gate = deferred<string>();
    this.gates.push(gate);
    return currentToken().race(gate.promise);
  }

  @Cancelable({
    exclusive: {
      key: function (this: Search, user: string) {
        return `${this.tenant}/${user}`;
      },
      onConflict: 'cancel-previous',
    },
  })
  async latest(_user: string, _text: string) {
    return this.next();
  }

  @Cancelable({ exclusive: { onConflict: 'reject' } })
  async single() {
    return this.next();
  }

  @Cancelable({ exclusive: { key: (user: string) => user, onConflict: 'skip' } })
  async skipped(_user: string) {
    return this.next();
  }

  @Cancelable({ exclusive: { key: (user: string) => user, onConflict: 'join' } })
  async shared(_user: string) {
    return this.next();
  }
}

describe('@Cancelable({ exclusive }) on a provider', () => {
  const start = async (): Promise<AppContext & { search: Search }> => {
    const host = await startContext({ providers: [Search] });
    return { ...host, search: host.app.get(Search) };
  };

  it('cancel-previous: the latest call of a key wins; the key sees the instance', async () => {
    const { search } = await start();
    const first = rejection(search.latest('ann', 's'));
    const other = search.latest('bob', 's');
    const second = search.latest('ann', 'sa');
    expect((await first).reason).toBe('superseded');
    search.gates[1]?.resolve('of bob');
    search.gates[2]?.resolve('of ann');
    expect(await Promise.all([other, second])).toEqual(['of bob', 'of ann']);
  });

  it('reject: a second call is a conflict, until the first has ended', async () => {
    const { search } = await start();
    const first = search.single();
    expect(await rejection(search.single())).toBeInstanceOf(OperationConflict);
    search.gates[0]?.resolve('done');
    await first;
    const again = search.single();
    search.gates[1]?.resolve('again');
    expect(await again).toBe('again');
  });

  it('skip: a second call resolves to nothing, and does not run', async () => {
    const { search } = await start();
    const first = search.skipped('ann');
    expect(await search.skipped('ann')).toBeUndefined();
    expect(search.gates).toHaveLength(1);
    search.gates[0]?.resolve('done');
    expect(await first).toBe('done');
  });

  it('join: a second call shares the outcome', async () => {
    const { search, registry } = await start();
    const calls = [search.shared('ann'), search.shared('ann')];
    expect(registry.list()).toHaveLength(1);
    search.gates[0]?.resolve('shared');
    expect(await Promise.all(calls)).toEqual(['shared', 'shared']);
    const canceled = [search.shared('ann'), search.shared('ann')].map(rejection);
    registry.cancelAll({});
    for (const error of await Promise.all(canceled)) expect(error.reason).toBe('manual');
  });
});
