import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { redisBus } from 'nestjs-cancelable/redis';
import { freePort } from './support.mjs';

/** An application of the service. @returns its registry */
export function startInstance(port, service, instance) {
  const bus = redisBus({ url: `redis://127.0.0.1:${port}` });
  return startApplication({ cluster: { bus, service, instance, timeout: '30s' } });
}

export async function startApplication(given) {
  class AppModule {}
  const options = { ...given, history: { limit: 0 }, maxLive: 1_000_000 };
  Module({ imports: [CancelableModule.forRoot(options)] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const registry = app.get(OperationRegistry);
  return Object.assign(registry, { close: () => app.close() });
}

/** Instances in other processes. @returns the ids of their operations */
export async function startProcesses(port, service, processes, instances, operations) {
  const file = fileURLToPath(new URL('../cluster-instances.mjs', import.meta.url));
  const each = { instances: instances / processes, operations: operations / processes };
  const children = Array.from({ length: processes }, () =>
    fork(file, [JSON.stringify({ port, service, ...each })]),
  );
  const ids = await Promise.all(children.map(async (child) => (await once(child, 'message'))[0]));
  return {
    ids: ids.flat(),
    /** The longest turn of their event loops since this was asked before, in milliseconds. */
    async longestTurn() {
      const turns = children.map(async (child) => {
        child.send('turn');
        return (await once(child, 'message'))[0];
      });
      return Math.max(...(await Promise.all(turns)));
    },
    stop: () => children.forEach((child) => child.kill('SIGKILL')),
  };
}

/** Until so many instances answer. */
export async function untilComplete(registry, expected) {
  for (;;) {
    const { complete, instances } = await registry.cluster.instances();
    if (complete && instances.length === expected) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export async function withRedis(body) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const args = `--port ${port} --bind 127.0.0.1 --save  --appendonly no --dir ${folder}`.split(' ');
  const redis = spawn('redis-server', args, { stdio: 'ignore' });
  redis.once('error', () => {
    throw new Error('redis-server is not installed: apt-get install redis-server');
  });
  try {
    while (!(await accepts(port)));
    return await body(port);
  } finally {
    redis.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
