import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { OperationRegistry } from 'nestjs-cancelable';
import { round, verdict } from './support.mjs';

const ITEMS = 200_000;

async function* source() {
  for (let index = 0; index < ITEMS; index++) yield index;
}

async function consume(items) {
  let count = 0;
  for await (const item of items) count += item >= 0 ? 1 : 0;
  assert.equal(count, ITEMS);
}

const variants = {
  'bare for await': () => consume(source()),
  'operation.stream()': (operation) => consume(operation.stream(source())),
  'operation.stream(), reportEvery 100': (operation) =>
    consume(operation.stream(source(), { reportEvery: 100 })),
};

export const streams = {
  name: 'streams',
  title: 'One item of an async generator',
  variants: Object.keys(variants),
  async measure(variant) {
    new AsyncLocalStorage().run({}, () => {});
    const registry = new OperationRegistry();
    const once = () => registry.run({ name: 'stream', timeout: '1h' }, variants[variant]);
    await once();
    const samples = [];
    for (let run = 0; run < 5; run++) {
      const start = process.hrtime.bigint();
      await once();
      samples.push(Number(process.hrtime.bigint() - start) / ITEMS);
    }
    return { nanoseconds: samples.sort((a, b) => a - b)[2] };
  },
  report(medians) {
    const bare = medians['bare for await'].nanoseconds;
    return Object.entries(medians).map(([variant, { nanoseconds }]) => ({
      variant,
      'ns/item': Math.round(nanoseconds),
      ratio: `${round(nanoseconds / bare)}x`,
      limit: variant === 'operation.stream()' ? '2x, aim 1.3x' : '',
      met: variant === 'operation.stream()' ? verdict(nanoseconds / bare, 2, 1.3) : '',
    }));
  },
};
