import { createReadStream, mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, StreamableFile } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { deferred, turn } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, send } from '../support/http-client.js';
import { removeFolder } from '../support/remove-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'late-'));
const file = join(folder, 'file');
writeFileSync(file, Buffer.alloc(1 << 20, 'x'));
afterAll(() => removeFolder(folder));

/** How many descriptors of this process point to the file. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === file;
    } catch {
      return false;
    }
  }).length;
}

async function untilClosed(): Promise<void> {
  for (let turns = 0; openFiles() > 0 && turns < 2_000; turns++) await turn();
}

/** Handlers that open their file once a test lets them. */
function createFiles() {
  const check = deferred();
  let opened = 0;
  const open = async () => {
    await check.promise;
    const stream = createReadStream(file);
    await new Promise((resolve) => stream.once('open', resolve));
    opened++;
    return stream;
  };
  @Controller()
  class Files {
    @Get('file')
    @Cancelable()
    async file() {
      return new StreamableFile(await open());
    }

    @Get('wait')
    @Cancelable({ settle: 'wait' })
    async wait() {
      return new StreamableFile(await open());
    }

    @Get('bare')
    async bare() {
      return new StreamableFile(await open());
    }

    @Get('timeout')
    @Cancelable(50)
    async timeout() {
      return new StreamableFile(await open());
    }

    @Get('iterator')
    @Cancelable({ settle: 'wait' })
    async iterator() {
      const rows = (await open())[Symbol.asyncIterator]();
      await rows.next();
      return {
        [Symbol.asyncIterator]: () => rows,
        next: () => rows.next(),
        return: () => rows.return?.(),
      };
    }
  }
  return { check, opened: () => opened, controllers: [Files] };
}

describe.each(adapters)('a file that is opened too late, over %s', (adapter) => {
  it.each(['file', 'wait', 'bare', 'iterator'])(
    'is closed when the client has left (%s)',
    async (path) => {
      const { check, opened, controllers } = createFiles();
      const app = await startHttpApp(adapter, { controllers });
      for (let count = 0; count < 3; count++) {
        const arrived = new Promise<void>((resolve) => {
          const server = app.app.getHttpServer() as Server;
          server.once('request', () => resolve());
        });
        const request = send(`${app.url}/${path}`);
        await arrived;
        await turn();
        request.destroy();
        await app.clientLeft();
      }
      check.resolve();
      while (opened() < 3) await turn();
      await untilClosed();
      expect(openFiles()).toBe(0);
      await app.registry.whenIdle();
    },
  );

  it('is closed when its time has passed', async () => {
    const { check, opened, controllers } = createFiles();
    const { url, registry } = await startHttpApp(adapter, { controllers });
    expect((await get(`${url}/timeout`)).status).toBe(504);
    check.resolve();
    while (opened() < 1) await turn();
    await untilClosed();
    expect(openFiles()).toBe(0);
    await registry.whenIdle();
  });
});
