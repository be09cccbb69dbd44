import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { Cancelable, currentOperation, OperationConflict } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { deferred, rejection } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get } from '../support/http-client.js';

function createJobs() {
  const gate = deferred<string>();
  @Injectable()
  class Jobs {
    @Cancelable({ id: 'nightly' })
    async nightly() {
      return `${currentOperation().id} ${await gate.promise}`;
    }
    @Cancelable({ policy: 'weekly' })
    async weekly() {
      return currentOperation().id;
    }
  }
  return { gate, Jobs };
}

describe('an id that is written in the options', () => {
  it('is the id of the operation, and two at the same time are a conflict', async () => {
    const { gate, Jobs } = createJobs();
    const { app, registry } = await startContext(
      { providers: [Jobs] },
      { policies: { weekly: { id: 'weekly' } } },
    );
    const jobs = app.get(Jobs);
    const first = jobs.nightly();
    expect(registry.get('nightly')?.name).toBe('Jobs.nightly');
    expect(await rejection(jobs.nightly())).toBeInstanceOf(OperationConflict);
    gate.resolve('done');
    expect(await first).toBe('nightly done');
    expect(await jobs.nightly()).toBe('nightly done');
    expect(await jobs.weekly()).toBe('weekly');
  });

  it.each(adapters)('is that of a request over %s', async (adapter) => {
    const entered = deferred();
    const gate = deferred();
    @Controller()
    class Exports {
      @Get('export')
      @Cancelable({ id: 'export' })
      async export() {
        entered.resolve();
        await gate.promise;
        return { id: currentOperation().id };
      }
    }
    const { url, registry } = await startHttpApp(adapter, { controllers: [Exports] });
    const first = get(`${url}/export`);
    await entered.promise;
    expect(registry.get('export')?.kind).toBe('http');
    expect((await get(`${url}/export`)).status).toBe(409);
    gate.resolve();
    expect((await first).json()).toEqual({ id: 'export' });
  });
});
