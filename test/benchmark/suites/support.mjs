import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cancelable, CancelableModule, OperationRegistry } from 'nestjs-cancelable';

/** Applies decorators to a method, as TypeScript would. */
export function decorateMethod(target, key, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key);
  for (const decorator of decorators.reverse()) decorator(target.prototype, key, descriptor);
  Object.defineProperty(target.prototype, key, descriptor);
}

/** A provider with one decorated method, from an application, so that injection is part of it. */
export async function decoratedProvider(options, body, moduleOptions) {
  class Service {
    method() {
      return body();
    }
  }
  decorateMethod(Service, 'method', Cancelable(options));
  Injectable()(Service);
  class AppModule {}
  const imports = [CancelableModule.forRoot(moduleOptions)];
  Module({ imports, providers: [Service] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  return { service: app.get(Service), registry: app.get(OperationRegistry) };
}

/** Nanoseconds of one awaited call: the median of several runs after a warm-up. */
export async function nanosecondsPerCall(call, calls = 100_000, runs = 7) {
  assert.equal(await call(), 1, 'the call gives its value');
  await repeat(call, calls);
  const samples = [];
  for (let run = 0; run < runs; run++) {
    const start = process.hrtime.bigint();
    await repeat(call, calls);
    samples.push(Number(process.hrtime.bigint() - start) / calls);
  }
  return samples.sort((a, b) => a - b)[Math.floor(runs / 2)];
}

async function repeat(call, times) {
  for (let index = 0; index < times; index++) await call();
}

export function heapUsed() {
  for (let index = 0; index < 4; index++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

export function milliseconds(action) {
  const start = performance.now();
  action();
  return performance.now() - start;
}

export const round = (value, digits = 2) => Number(value.toFixed(digits));

/** `must 1.4 · aim 1.15`, and whether it is met. */
export function verdict(value, must, aim) {
  return value <= aim ? 'aim' : value <= must ? 'must' : 'MISSED';
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
