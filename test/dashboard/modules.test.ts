import { afterEach, describe, expect, it } from '@jest/globals';
import { type CanActivate, type INestApplication, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { CancelableDashboardModule } from 'nestjs-cancelable/dashboard';
import { hang } from '../cluster/instances.js';
import { adapters } from '../support/http-app.js';
import { Caller } from './dashboard-app.js';

const guard = (isOpen: boolean): CanActivate => ({ canActivate: () => isOpen });
const forRoot = () => CancelableModule.forRoot({ shutdown: { grace: '10ms' } });

let app: INestApplication | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

describe.each(adapters)('The module of the dashboard on %s', (adapter) => {
  const create = async (module: Type) => {
    app = await NestFactory.create(
      module,
      adapter === 'Express' ? new ExpressAdapter() : new FastifyAdapter(),
      { logger: false, abortOnError: false, moduleIdGeneratorAlgorithm: 'deep-hash' },
    );
    await app.listen(0, '127.0.0.1');
    return { url: await app.getUrl(), registry: app.get(OperationRegistry) };
  };

  it('stands beside another of other guards, also where Nest tells modules apart by what they hold', async () => {
    @Module({
      imports: [
        forRoot(),
        CancelableDashboardModule.forRoot({ guards: [guard(false)] }),
        CancelableDashboardModule.forRoot({
          path: '/support',
          guards: [guard(true)],
          canRead: ({ name }) => name === 'report',
        }),
        CancelableDashboardModule.forRootAsync({
          path: '/other',
          guards: [guard(true)],
          useFactory: () => ({}),
        }),
      ],
    })
    class AppModule {}
    const { url, registry } = await create(AppModule);
    registry.spawn('import', hang);
    registry.spawn('report', hang);

    expect((await new Caller(`${url}/operations`).get('/api/operations')).status).toBe(403);
    expect(await new Caller(`${url}/support`).names()).toEqual(['report']);
    expect(await new Caller(`${url}/other`).names()).toEqual(['report', 'import']);
  });

  it('says so where CancelableModule is missing', async () => {
    @Module({ imports: [CancelableDashboardModule.forRoot({ guards: [guard(true)] })] })
    class AppModule {}
    await expect(create(AppModule)).rejects.toThrow(
      'Add CancelableModule.forRoot() to the imports of the root module.',
    );
  });
});
