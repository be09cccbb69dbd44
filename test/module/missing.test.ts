import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cancelable } from 'nestjs-cancelable';
import { adapters } from '../support/http-app.js';
import { get } from '../support/http-client.js';
import { NestLog } from '../support/nest-log.js';

let app: INestApplication | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

describe.each(adapters)('an application without CancelableModule, on %s', (adapter) => {
  it('logs once which handler needs it, and nothing when a test calls by hand', async () => {
    @Controller()
    class ReportsController {
      @Get('report')
      @Cancelable('1h')
      async report() {
        return 'built';
      }
    }
    @Module({ controllers: [ReportsController] })
    class BareModule {}

    const log = new NestLog();
    const server = adapter === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
    app = await NestFactory.create(BareModule, server, { logger: log });
    await app.listen(0, '127.0.0.1');
    expect(await new ReportsController().report()).toBe('built');
    expect(log.find('error')).toEqual([]);
    const url = `${await app.getUrl()}/report`;
    expect(await get(url)).toMatchObject({ status: 200, text: 'built' });
    await get(url);
    const [told, ...more] = log.find('error');
    expect(told).toContain('ReportsController.report');
    expect(told).toContain('CancelableModule.forRoot()');
    expect(more).toEqual([]);
  });
});
