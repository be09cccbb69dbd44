import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Cancelable,
  type CancelableModuleOptions,
  CancelationToken,
  CancelToken,
  currentOperation,
  currentToken,
  injected,
  OperationConflict,
} from 'nestjs-cancelable';
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

describe("exclusive: 'join' without a key", () => {
  const join = { exclusive: { onConflict: 'join' } } as const;
  const same = { exclusive: { key: 'same for all', onConflict: 'join' } } as const;
  const starts = (provider: new () => object, options?: CancelableModuleOptions) =>
    startContext({ providers: [provider] }, options).then(
      () => 'started',
      (error: Error) => error.message,
    );

  class Required {
    @Cancelable(join)
    async report(_user: string) {}
  }
  class WithDefault {
    @Cancelable(join)
    async report(_page = 1, _labels = ['a, b', ')'], operation = currentOperation()) {
      return operation.id;
    }
  }
  class Rest {
    @Cancelable(join)
    async report(..._users: string[]) {}
  }
  class Destructured {
    @Cancelable(join)
    async report({ user } = { user: 'ann' }) {
      return user;
    }
  }
  class Marked {
    @Cancelable(join)
    async report(_user: string, @CancelToken() _token: CancelationToken) {}
  }
  class Policy {
    @Cancelable({ policy: 'shared' })
    async report(_user: string) {}
  }
  @Cancelable(join)
  class Whole {
    @Cancelable()
    async report(_user: string) {}
  }

  it.each([
    ['a parameter', Required],
    ['a parameter with a default value', WithDefault],
    ['any number of parameters', Rest],
    ['a parameter that is taken apart', Destructured],
    ['a parameter beside a token', Marked],
    ['a parameter and a policy', Policy],
    ['a parameter and options of its class', Whole],
  ])('does not start for a method that has %s', async (_, provider) => {
    expect(await starts(provider, { policies: { shared: join } })).toContain(
      `@Cancelable() on ${provider.name}.report: exclusive: 'join' without a key gives the answer`,
    );
  });

  class Nothing {
    @Cancelable(join)
    async report() {}
  }
  class OwnOperation {
    @Cancelable(join)
    async report(
      @CancelToken() _token: CancelationToken = injected,
      _operation = currentOperation(),
      _second = currentToken(),
    ) {}
  }
  class SameForAll {
    @Cancelable(same)
    async report(_user: string) {}
  }
  class Keyed {
    @Cancelable({ exclusive: { key: (user: string) => user, onConflict: 'join' } })
    async report(_user: string) {}
  }
  class Skips {
    @Cancelable({ exclusive: { onConflict: 'skip' } })
    async report(_user: string) {}
  }

  it.each([
    ['has no parameters', Nothing],
    ['has only parameters of the library', OwnOperation],
    ['says that the answer is the same for all', SameForAll],
    ['has a key', Keyed],
    ['does not join', Skips],
  ])('starts for a method that %s', async (_, provider) => {
    expect(await starts(provider)).toBe('started');
  });
});
