import { describe, expect, it } from '@jest/globals';
import { Catch, type ExceptionFilter } from '@nestjs/common';
import { GraphQLError } from 'graphql';
import { rootCause } from 'nestjs-cancelable';
import { keepAliveAgent, post } from '../support/http-client.js';
import { ask, begin, type GraphqlAppOptions, servers, startGraphqlApp } from './graphql-app.js';
import { createReports } from './reports.resolver.js';

describe.each(servers)('GraphQL: %s', (server) => {
  const start = async (options: Omit<GraphqlAppOptions, 'providers'> = {}) => {
    const reports = createReports();
    const app = await startGraphqlApp(server, { providers: reports.providers, ...options });
    return { ...reports, ...app, app };
  };

  it('gives each resolver an operation below that of the request', async () => {
    const { app, gate, registry, next } = await start();
    const started = next('started', 'Query.waiting');
    const answer = ask(app, '{ waiting }');
    await started;
    expect(registry.tree()).toMatchObject([
      {
        name: 'POST /graphql',
        kind: 'graphql',
        status: 'running',
        children: [{ name: 'Query.waiting', kind: 'graphql', status: 'running' }],
      },
    ]);
    const settled = next('settled', 'POST /graphql');
    gate.resolve('done');

    expect(await answer).toEqual({ data: { waiting: 'done' } });
    expect(await settled).toMatchObject({ status: 'completed' });
    expect(registry.history()).toMatchObject([
      { name: 'Query.waiting', kind: 'graphql', status: 'completed' },
      { name: 'POST /graphql', kind: 'graphql', status: 'completed' },
    ]);
    expect(registry.list()).toEqual([]);
  });

  it('begins nothing for what is not decorated', async () => {
    const { app, gate, registry } = await start();
    gate.resolve('done');
    expect(await ask(app, '{ plainWaiting }')).toEqual({ data: { plainWaiting: 'done' } });
    expect(registry.history()).toEqual([]);
  });

  it('stops everything when the client leaves', async () => {
    const { app, errors, inField, registry, gate, next, log } = await start();
    const canceled = next('canceled', 'reports.render');
    const settled = next('settled', 'POST /graphql');
    const request = begin(app, '{ rendered }');
    await inField.promise;

    request.destroy();

    const render = await canceled;
    expect(render).toMatchObject({ reason: 'parent', status: 'canceling' });
    expect(rootCause(errors[0])).toMatchObject({
      reason: 'disconnect',
      operationName: 'POST /graphql',
    });
    expect(await settled).toMatchObject({ status: 'canceled', reason: 'disconnect' });
    gate.resolve('late');
    await registry.whenIdle();
    expect(registry.history().map(({ name, status, reason }) => [name, status, reason])).toEqual(
      expect.arrayContaining([
        ['POST /graphql', 'canceled', 'disconnect'],
        ['Query.rendered', 'canceled', 'parent'],
        ['reports.render', 'canceled', 'parent'],
      ]),
    );
    expect(log.find('error')).toEqual([]);
  });

  it('leaves the requests of other clients alone', async () => {
    const { app, gate, registry, collect, next } = await start();
    const started = collect('started', 4);
    const leaving = begin(app, '{ waiting }');
    const staying = ask(app, '{ waiting }');
    await started;
    const canceled = next('canceled', 'POST /graphql');
    leaving.destroy();
    await canceled;
    expect(registry.list({ name: 'Query.waiting', status: 'running' })).toHaveLength(1);
    gate.resolve('here');
    expect(await staying).toEqual({ data: { waiting: 'here' } });
  });

  it.each(['summary', 'detail'])(
    'links what the field resolver %s calls to the request, without interceptors',
    async (field) => {
      const { app, errors, inField, next } = await start();
      const canceled = next('canceled', 'reports.render');
      const request = begin(app, `{ report(city: "Rome") { ${field} } }`);
      await inField.promise;
      request.destroy();
      expect(await canceled).toMatchObject({ reason: 'parent' });
      expect(rootCause(errors[0])).toMatchObject({ reason: 'disconnect' });
    },
  );

  it('begins nothing more for a client that has left', async () => {
    const { app, gate, asked, started, registry, clientLeft } = await start();
    const request = begin(app, '{ plainReport { detail } }');
    await asked.promise;
    request.destroy();
    await clientLeft();
    gate.resolve('now');
    await ask(app, '{ plainReport { city } }');
    expect(started).toEqual([]);
    expect(registry.history()).toEqual([]);
  });

  it('names field resolvers by their type where interceptors reach them', async () => {
    const { app, inField, gate, registry } = await start({ enhancers: ['interceptors'] });
    const answer = ask(app, '{ report(city: "Rome") { summary } }');
    await inField.promise;
    expect(registry.tree()).toMatchObject([
      {
        name: 'POST /graphql',
        children: [
          { name: 'Report.summary', kind: 'graphql', children: [{ name: 'reports.render' }] },
        ],
      },
    ]);
    gate.resolve('fine');
    expect(await answer).toEqual({ data: { report: { summary: 'Rome: fine' } } });
  });

  it('a filter that gives the error back keeps it out of the log of Nest', async () => {
    @Catch(GraphQLError)
    class QuietFilter implements ExceptionFilter {
      catch(error: GraphQLError) {
        return error;
      }
    }
    const { app } = await start({ filter: new QuietFilter() });
    const { errors } = await ask(app, '{ brief }');
    expect(errors[0].extensions.code).toBe('OPERATION_TIMEOUT');
    expect(app.log.find('error')).toEqual([]);
  });

  it('answers a timeout with its code and nothing internal', async () => {
    const { app, registry, next } = await start();
    const settled = next('settled', 'POST /graphql');
    const { errors } = await ask(app, '{ brief }');
    expect(errors).toEqual([
      publicError(server, 'OPERATION_TIMEOUT', 'The operation timed out', 'brief'),
    ]);
    await settled;
    expect(registry.list({ name: 'POST /graphql' })).toEqual([]);
  });

  it('answers in the same way an error that a field resolver lets through', async () => {
    const { app } = await start();
    const { data, errors } = await ask(app, '{ report(city: "Rome") { city plain } }');
    expect(data).toEqual({ report: { city: 'Rome', plain: null } });
    expect(errors).toEqual([
      publicError(server, 'OPERATION_TIMEOUT', 'The operation timed out', 'report', 'plain'),
    ]);
  });

  it('answers a cancel by hand, of the resolver or of the whole request', async () => {
    const { app, registry, next } = await start();
    for (const name of ['Query.waiting', 'POST /graphql']) {
      const started = next('started', 'Query.waiting');
      const answer = ask(app, '{ waiting }');
      await started;
      registry.cancelAll({ name }, { message: 'secret', requestedBy: 'Alice' });
      expect((await answer).errors).toEqual([
        publicError(server, 'OPERATION_MANUAL', 'The operation was canceled', 'waiting'),
      ]);
    }
  });

  it('applies the default timeout to every root resolver', async () => {
    const { app } = await start({ cancelable: { defaultTimeout: 20 } });
    for (const field of ['waiting', 'plainWaiting']) {
      const { errors } = await ask(app, `{ ${field} }`);
      expect(errors).toEqual([
        publicError(server, 'OPERATION_TIMEOUT', 'The operation timed out', field),
      ]);
    }
  });

  it("maps the library's other errors, and leaves the errors of users alone", async () => {
    const { app } = await start();
    const failed = async (how: string) => (await ask(app, `{ failing(how: "${how}") }`)).errors[0];
    expect(await failed('unknown')).toEqual(
      publicError(server, 'OPERATION_NOT_FOUND', 'No such operation', 'failing'),
    );
    expect(await failed('graphql')).toMatchObject({
      message: 'mine',
      extensions: { code: 'MINE' },
    });
    expect(await failed('http')).toMatchObject({ message: 'no such report' });
  });

  it.each(['stubborn', 'untouched'])('lets %s run on without its client', async (field) => {
    const { app, gate, registry, clientLeft, next } = await start({
      cancelable: { request: () => ({ tags: ['seen'] }) },
    });
    const name = `Query.${field}`;
    const started = next('started', name);
    const settled = next('settled', name);
    const request = begin(app, `{ ${field} }`);
    await started;
    request.destroy();
    await clientLeft();
    expect(registry.list({ name })).toMatchObject([{ status: 'running', tags: ['seen'] }]);
    gate.resolve('done');
    expect(await settled).toMatchObject({ status: 'completed' });
  });

  it('ignores clients that leave where the application says so', async () => {
    const { app, gate, registry, clientLeft, next } = await start({
      cancelable: { http: { onDisconnect: 'ignore' } },
    });
    const started = next('started', 'Query.waiting');
    const settled = next('settled', 'Query.waiting');
    const request = begin(app, '{ waiting }');
    await started;
    request.destroy();
    await clientLeft();
    expect(registry.tree()).toMatchObject([{ name: 'Query.waiting', status: 'running' }]);
    gate.resolve('done');
    expect(await settled).toMatchObject({ status: 'completed' });
  });

  it('follows the client where only a resolver says so', async () => {
    const { app, registry, gate, next } = await start({
      cancelable: { http: { onDisconnect: 'ignore' } },
    });
    const started = next('started');
    const canceled = next('canceled');
    const request = begin(app, '{ following }');
    await started;
    request.destroy();
    expect(await canceled).toMatchObject({ name: 'Query.following', reason: 'disconnect' });
    gate.resolve('late');
    await registry.whenIdle();
  });

  it('shows filters a GraphQLError with the whole story as its cause', async () => {
    const seen: Error[] = [];
    @Catch(GraphQLError)
    class SeeingFilter implements ExceptionFilter {
      catch(error: Error) {
        seen.push(error);
        throw error;
      }
    }
    const { app } = await start({ filter: new SeeingFilter() });
    await ask(app, '{ brief }');
    expect(seen).toMatchObject([
      { message: 'The operation timed out', extensions: { code: 'OPERATION_TIMEOUT' } },
    ]);
    expect(seen[0]!.cause).toMatchObject({ reason: 'timeout', operationName: 'Query.brief' });
    expect(Object.keys(seen[0]!)).not.toContain('cause');
    expect(seen[0]!.stack).toBe('GraphQLError: The operation timed out');
  });

  it('ignores clients that leave for the calls of fields too', async () => {
    const { app, gate, inField, registry, clientLeft, next } = await start({
      cancelable: { http: { onDisconnect: 'ignore' } },
    });
    const settled = next('settled', 'reports.render');
    const request = begin(app, '{ report(city: "Rome") { detail } }');
    await inField.promise;
    request.destroy();
    await clientLeft();
    expect(registry.list()).toMatchObject([{ name: 'reports.render', status: 'running' }]);
    gate.resolve('done');
    expect(await settled).toMatchObject({ status: 'completed' });
  });

  it('keeps nothing of the requests of a connection', async () => {
    const { app, gate, registry, sockets } = await start();
    gate.resolve('done');
    const warnings: unknown[] = [];
    const warn = (warning: unknown) => warnings.push(warning);
    process.on('warning', warn);
    const agent = keepAliveAgent();
    for (let count = 0; count < 30; count++) {
      await post(`${app.url}/graphql`, { query: '{ waiting }' }, { agent });
    }
    expect(sockets).toHaveLength(1);
    expect(sockets[0]!.listenerCount('close')).toBeLessThan(10);
    agent.destroy();
    await registry.whenIdle();
    expect(registry.list()).toEqual([]);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });
});

/** Apollo adds a stack outside of production: of one line. */
function publicError(server: string, code: string, message: string, ...path: string[]): object {
  return {
    message,
    path,
    locations: [expect.any(Object)],
    extensions:
      server === 'Mercurius' ? { code } : { code, stacktrace: [`GraphQLError: ${message}`] },
  };
}
