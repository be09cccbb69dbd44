import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cancelable, currentOperation, type CancelableModuleOptions } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';

/** What a call was given: the tag that won, and the whole minutes it has left. */
function describeCall() {
  const { tags, metadata, token } = currentOperation();
  const minutes = Math.ceil(token.remaining() / 60_000);
  return { tags, metadata, minutes: Number.isFinite(minutes) ? minutes : null };
}

const options: CancelableModuleOptions = {
  policies: {
    method: { timeout: '2m', tags: ['method policy'], metadata: { from: 'method policy' } },
    class: { timeout: '4m', tags: ['class policy'], metadata: { from: 'class policy' } },
    unlimited: { timeout: false },
    computed: { timeout: (minutes: number) => minutes * 60_000 },
  },
};

@Injectable()
@Cancelable({ policy: 'class', timeout: '3m' })
class Layered {
  @Cancelable({ policy: 'method', timeout: '1m' })
  async own() {
    return describeCall();
  }

  @Cancelable({ policy: 'method' })
  async policy() {
    return describeCall();
  }

  @Cancelable()
  async bare() {
    return describeCall();
  }

  @Cancelable({ tags: ['own'] })
  async mixed() {
    return describeCall();
  }

  @Cancelable({ policy: 'unlimited' })
  async unlimited() {
    return describeCall();
  }

  @Cancelable({ policy: 'computed' })
  async computed(_minutes: number) {
    return describeCall();
  }

  async undecorated() {
    return Promise.resolve('no operation');
  }
}

@Injectable()
@Cancelable({ policy: 'class' })
class ByClassPolicy {
  @Cancelable()
  async bare() {
    return describeCall();
  }
}

describe('options come, key by key, from the nearest that says something', () => {
  it.each([
    ['own', ['method policy'], 1],
    ['policy', ['method policy'], 2],
    ['bare', ['class policy'], 3],
    ['mixed', ['own'], 3],
    ['unlimited', ['class policy'], null],
  ] as const)('%s', async (method, tags, minutes) => {
    const { app } = await startContext({ providers: [Layered] }, options);

    expect(await app.get(Layered)[method]()).toMatchObject({ tags, minutes });
  });

  it('the class policy comes after the class', async () => {
    const { app } = await startContext({ providers: [ByClassPolicy] }, options);

    expect(await app.get(ByClassPolicy).bare()).toEqual({
      tags: ['class policy'],
      metadata: { from: 'class policy' },
      minutes: 4,
    });
  });

  it('a policy may compute', async () => {
    const { app } = await startContext({ providers: [Layered] }, options);

    expect(await app.get(Layered).computed(7)).toMatchObject({ minutes: 7 });
  });

  it('a method without the decorator stays as it is', async () => {
    const { app, registry } = await startContext({ providers: [Layered] }, options);

    expect(await app.get(Layered).undecorated()).toBe('no operation');
    expect(registry.history()).toEqual([]);
  });

  it('each application has its own policies for the same class', async () => {
    const first = await startContext({ providers: [Layered] }, options);
    const second = await startContext(
      { providers: [Layered] },
      { policies: { ...options.policies, method: { timeout: '9m' } } },
    );

    expect(await first.app.get(Layered).policy()).toMatchObject({ minutes: 2 });
    expect(await second.app.get(Layered).policy()).toMatchObject({
      minutes: 9,
      tags: ['class policy'],
    });
    expect(await first.app.get(Layered).policy()).toMatchObject({ minutes: 2 });
  });
});
