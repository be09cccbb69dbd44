import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  Cancelable,
  CancelableModule,
  type CancelableModuleOptions,
  type CancelableOptionsFactory,
  currentOperation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';

const open: INestApplicationContext[] = [];

afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

async function start(...imports: any[]): Promise<INestApplicationContext> {
  @Module({ imports, providers: [Worker] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: false,
    abortOnError: false,
  });
  open.push(app);
  return app;
}

@Injectable()
class Worker {
  constructor(readonly operations: OperationRegistry) {}

  @Cancelable({ policy: 'named' })
  async work(operation = currentOperation()) {
    return { tags: operation.tags, live: this.operations.list().length };
  }
}

const OPTIONS: CancelableModuleOptions = {
  policies: { named: { tags: ['from the policy'] } },
  history: { limit: 1 },
};
const EXPECTED = { tags: ['from the policy'], live: 1 };

describe('CancelableModule', () => {
  it('is global: the registry is injected where nothing was imported', async () => {
    @Injectable()
    class Elsewhere {
      constructor(readonly operations: OperationRegistry) {}
    }
    @Module({ providers: [Elsewhere] })
    class OtherModule {}
    const app = await start(CancelableModule.forRoot(OPTIONS), OtherModule);

    expect(app.get(Elsewhere, { strict: false }).operations).toBe(app.get(OperationRegistry));
    expect(await app.get(Worker).work()).toEqual(EXPECTED);
  });

  it('hands its options to the registry', async () => {
    const app = await start(CancelableModule.forRoot(OPTIONS));
    await app.get(Worker).work();
    await app.get(Worker).work();

    expect(app.get(OperationRegistry).history()).toHaveLength(1);
  });

  it('needs no options', async () => {
    @Module({ imports: [CancelableModule.forRoot()] })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    open.push(app);

    expect(await app.get(OperationRegistry).run('task', () => 7)).toBe(7);
  });

  it('lets the registry be replaced in tests, and methods work all the same', async () => {
    const fake = { list: () => [1, 2, 3] };
    const testing = await Test.createTestingModule({
      imports: [CancelableModule.forRoot(OPTIONS)],
      providers: [Worker],
    })
      .overrideProvider(OperationRegistry)
      .useValue(fake)
      .compile();
    open.push(await testing.init());

    expect(testing.get(OperationRegistry)).toBe(fake);
    expect(await testing.get(Worker).work()).toEqual({ tags: ['from the policy'], live: 3 });
  });
});

describe('CancelableModule.forRootAsync()', () => {
  @Injectable()
  class Configuration implements CancelableOptionsFactory {
    createCancelableOptions() {
      return Promise.resolve(OPTIONS);
    }
  }
  @Module({ providers: [Configuration], exports: [Configuration] })
  class ConfigurationModule {}

  it.each([
    ['useFactory', { useFactory: () => OPTIONS }],
    ['an asynchronous useFactory', { useFactory: async () => OPTIONS }],
    [
      'useFactory with inject',
      {
        imports: [ConfigurationModule],
        inject: [Configuration],
        useFactory: (configuration: Configuration) => configuration.createCancelableOptions(),
      },
    ],
    ['useClass', { useClass: Configuration }],
    ['useExisting', { imports: [ConfigurationModule], useExisting: Configuration }],
  ])('%s', async (_name, options) => {
    const app = await start(CancelableModule.forRootAsync(options));

    expect(await app.get(Worker).work()).toEqual(EXPECTED);
  });

  it.each([
    ['none', {}, '0 of useFactory, useClass and useExisting'],
    ['two', { useFactory: () => OPTIONS, useClass: Configuration }, '2 of useFactory'],
  ])('refuses %s of them', (_name, options, message) => {
    expect(() => CancelableModule.forRootAsync(options)).toThrow(message);
  });

  it('refuses what a factory gives, when the application starts', async () => {
    const error = await rejection(
      start(CancelableModule.forRootAsync({ useFactory: () => ({ maxLive: -1 }) })),
    );

    expect(error.message).toContain('maxLive');
  });
});

describe('CancelableModule, imported twice', () => {
  it.each([
    ['the same options', OPTIONS, { ...OPTIONS }],
    ['none the second time', OPTIONS, undefined],
  ])('with %s: is one', async (_name, first, second) => {
    @Module({ imports: [CancelableModule.forRoot(second)] })
    class FeatureModule {}
    const app = await start(CancelableModule.forRoot(first), FeatureModule);

    expect(await app.get(Worker).work()).toEqual(EXPECTED);
    expect(app.get(FeatureModule)).toBeInstanceOf(FeatureModule);
    expect(app.get(OperationRegistry).history()).toHaveLength(1);
  });

  it('with forRootAsync: is one', async () => {
    const app = await start(
      CancelableModule.forRoot(OPTIONS),
      CancelableModule.forRootAsync({ useFactory: () => ({ ...OPTIONS }) }),
    );

    expect(await app.get(Worker).work()).toEqual(EXPECTED);
  });

  it('with different options: refuses to start', async () => {
    @Module({ imports: [CancelableModule.forRoot({ defaultTimeout: '1s' })] })
    class FeatureModule {}
    const error = await rejection(
      start(CancelableModule.forRoot({ ...OPTIONS, defaultTimeout: '30s' }), FeatureModule),
    );

    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('imported twice with different options');
    expect(error.message).toContain('import forRoot() once');
  });
});

describe('two applications in one process', () => {
  it('do not see each other', async () => {
    const [first, second] = [
      await start(CancelableModule.forRoot(OPTIONS)),
      await start(CancelableModule.forRoot({ policies: { named: { tags: ['other'] } } })),
    ];

    const firstResult = first.get(Worker).work();
    const secondResult = second.get(Worker).work();

    expect(await firstResult).toEqual(EXPECTED);
    expect(await secondResult).toEqual({ tags: ['other'], live: 1 });
    expect(first.get(OperationRegistry).history()).toHaveLength(1);
    expect(second.get(OperationRegistry).history()).toHaveLength(1);
  });

  it('the second goes on when the first is closed', async () => {
    const first = await start(CancelableModule.forRoot(OPTIONS));
    const second = await start(CancelableModule.forRoot(OPTIONS));
    await first.close();

    expect(await second.get(Worker).work()).toEqual(EXPECTED);
  });
});
