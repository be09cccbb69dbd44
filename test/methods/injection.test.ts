import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, type OnModuleInit, Scope } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  Cancelable,
  currentOperation,
  type Operation,
  type OperationRegistry,
} from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';

/** Only an instance that knows its application finds this policy, and is listed there. */
const options = { policies: { own: { tags: ['of this application'] } } };

abstract class Base {
  @Cancelable({ policy: 'own' })
  async work(operation: Operation = currentOperation()) {
    return { tags: operation.tags, name: operation.name };
  }
}

@Injectable()
class Singleton extends Base {}

@Injectable({ scope: Scope.REQUEST })
class RequestScoped extends Base {}

@Injectable({ scope: Scope.TRANSIENT })
class Transient extends Base {}

@Injectable()
class Inherited extends Singleton {
  override work(operation?: Operation) {
    return super.work(operation);
  }
}

@Injectable()
class WithConstructor extends Base {
  constructor(@Inject('VALUE') readonly value: number) {
    super();
  }
}

const EXPECTED = { tags: ['of this application'], name: 'Base.work' };

function names(registry: OperationRegistry): string[] {
  return registry.history().map(({ name }) => name);
}

describe('a decorated method finds its application', () => {
  /** A second application is up, so that "the only one there is" cannot be the answer. */
  const startBoth = async (metadata: object) => {
    await startContext({ providers: [Singleton] }, { policies: { own: { tags: ['other'] } } });
    const wanted = await startContext(metadata, options);
    await startContext({ providers: [Singleton] }, { policies: { own: { tags: ['another'] } } });
    return wanted;
  };

  it.each([
    ['a singleton', Singleton, [Singleton]],
    ['an inherited class that overrides', Inherited, [Inherited]],
    ['a class with a constructor', WithConstructor, [WithConstructor]],
  ])('%s', async (_name, type, providers) => {
    const { app, registry } = await startBoth({
      providers: [...providers, { provide: 'VALUE', useValue: 7 }],
    });

    expect(await app.get<Base>(type).work()).toEqual(EXPECTED);
    expect(names(registry)).toEqual(['Base.work']);
  });

  it.each([
    ['request-scoped', RequestScoped],
    ['transient', Transient],
  ])('a %s instance, each of them', async (_name, type) => {
    const { app, registry } = await startBoth({ providers: [type] });
    const [first, second] = [await app.resolve<Base>(type), await app.resolve<Base>(type)];

    expect(first).not.toBe(second);
    expect(await first.work()).toEqual(EXPECTED);
    expect(await second.work()).toEqual(EXPECTED);
    expect(names(registry)).toHaveLength(2);
  });

  it('a transient instance inside of a singleton', async () => {
    @Injectable()
    class Holder {
      constructor(readonly held: Transient) {}
    }
    const { app } = await startBoth({ providers: [Transient, Holder] });

    expect(await app.get(Holder).held.work()).toEqual(EXPECTED);
  });

  it.each([
    ['useFactory', { provide: 'MADE', useFactory: () => new Singleton() }],
    ['an asynchronous useFactory', { provide: 'MADE', useFactory: async () => new Singleton() }],
    ['useValue', { provide: 'MADE', useValue: new Singleton() }],
    ['useClass', { provide: 'MADE', useClass: Singleton }],
  ])('%s', async (_name, provider) => {
    const { app, registry } = await startBoth({ providers: [provider] });

    expect(await app.get<Base>('MADE').work()).toEqual(EXPECTED);
    expect(names(registry)).toEqual(['Base.work']);
  });

  it('useFactory, before the hooks of the application run', async () => {
    const results: unknown[] = [];
    @Injectable()
    class Starter implements OnModuleInit {
      constructor(@Inject('MADE') readonly made: Base) {}
      async onModuleInit() {
        results.push(await this.made.work());
      }
    }
    await startBoth({
      providers: [Starter, { provide: 'MADE', useFactory: () => new Singleton() }],
    });

    expect(results).toEqual([EXPECTED]);
  });

  it('an instance made with ModuleRef.create()', async () => {
    const { app } = await startBoth({});

    expect(await (await app.get(ModuleRef).create(Singleton)).work()).toEqual(EXPECTED);
  });

  it('new X() inside of an operation belongs to its application', async () => {
    const { registry } = await startBoth({});

    const result = await registry.run('outer', () => new Singleton().work());

    expect(result).toEqual(EXPECTED);
    expect(names(registry).sort()).toEqual(['Base.work', 'outer']);
  });

  it('leaves no own key on instances', async () => {
    const { app } = await startBoth({ providers: [Singleton] });
    const instance = app.get(Singleton);
    await instance.work();

    expect(Reflect.ownKeys(instance)).toEqual([]);
  });
});

describe('new X() outside of any operation', () => {
  it('belongs to the only application there is', async () => {
    const { registry } = await startContext({}, options);

    expect(await new Singleton().work()).toEqual(EXPECTED);
    expect(names(registry)).toEqual(['Base.work']);
  });

  it('belongs to none when there are two', async () => {
    class Plain {
      @Cancelable('1h')
      async work(operation = currentOperation()) {
        return operation.name;
      }
    }
    const first = await startContext({}, options);
    const second = await startContext({}, options);

    expect(await new Plain().work()).toBe('Plain.work');
    expect([...names(first.registry), ...names(second.registry)]).toEqual([]);
  });

  it('works without any application', async () => {
    class Plain {
      @Cancelable(20)
      work() {
        return new Promise(() => {});
      }
    }

    await expect(new Plain().work()).rejects.toMatchObject({ reason: 'timeout' });
  });
});
