import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import {
  Cancelable,
  CancelableModule,
  CancelationToken,
  CancelToken,
  injected,
  onEvent,
  OperationRegistry,
  type RunOptions,
} from 'nestjs-cancelable';
import { turn } from '../support/deferred.js';

const emitter = new EventEmitter();
emitter.setMaxListeners(0);

@Injectable()
class Recursion {
  @Cancelable({ settle: 'race' })
  async race(): Promise<void> {
    await this.race();
  }

  @Cancelable({ settle: 'wait' })
  async wait(): Promise<void> {
    await this.wait();
  }

  @Cancelable({ settle: 'race' })
  direct(): Promise<void> {
    return this.direct();
  }

  @Cancelable({ tags: ['deep'], metadata: { deep: true }, timeout: '1m', on: { start() {} } })
  async loaded(): Promise<void> {
    await this.loaded();
  }

  @Cancelable('1m')
  async filled(@CancelToken() token: CancelationToken = injected): Promise<void> {
    await this.filled(token);
  }

  @Cancelable({ exclusive: { onConflict: 'cancel-previous', key: 'one' }, stall: '1m' })
  exclusive(): Promise<void> {
    return this.exclusive();
  }

  @Cancelable({ sources: ['1m', onEvent(emitter, 'stop')] })
  sourced(): Promise<void> {
    return this.sourced();
  }
}

const run = (registry: OperationRegistry, options: RunOptions): Promise<unknown> =>
  registry.run(options, async () => run(registry, options));

const runDirectly = (registry: OperationRegistry, options: RunOptions): Promise<unknown> =>
  registry.run(options, () => runDirectly(registry, options));

const attempt = (registry: OperationRegistry): Promise<unknown> =>
  registry.run('attempts', (own) => own.wrap(() => attempt(registry))());

const spawned = (registry: OperationRegistry): Promise<unknown> =>
  registry.spawn('spawned', () => spawned(registry)).result;

const listened = (registry: OperationRegistry): Promise<unknown> =>
  registry.run('listened', (own) => {
    own.onCancel(() => {});
    own.defer(() => {});
    own.onSettled(() => {});
    void own.signal;
    return listened(registry);
  });

const sheltered = (registry: OperationRegistry): Promise<unknown> =>
  registry.run('sheltered', (own) => own.shield(() => sheltered(registry)));

/** Begins at many depths, so that the stack ends at another place each time. */
function deeper(frames: number, then: () => unknown): unknown {
  return frames === 0 ? then() : deeper(frames - 1, then);
}

type Recurse = (registry: OperationRegistry, service: Recursion) => unknown;

const scenarios: Record<string, Recurse> = {
  run: (registry) => run(registry, { name: 'run' }),
  "run, 'wait'": (registry) => run(registry, { name: 'run', settle: 'wait' }),
  'run, not async': (registry) => runDirectly(registry, { name: 'run' }),
  'run with a deadline': (registry) => runDirectly(registry, { name: 'run', timeout: '1m' }),
  attempts: attempt,
  spawn: spawned,
  'a decorated method': (_, service) => service.race(),
  "a decorated method, 'wait'": (_, service) => service.wait(),
  'a decorated method, not async': (_, service) => service.direct(),
  'a decorated method with options': (_, service) => service.loaded(),
  'an exclusive method': (_, service) => service.exclusive(),
  'a method with parameters': (_, service) => service.filled(),
  'a method with sources': (_, service) => service.sourced(),
  listeners: listened,
  'inside of a parent': (registry, service) =>
    registry.run('parent', () => registry.run('child', () => service.race())),
  shields: sheltered,
};

const errors: string[] = [];
const logger = {
  log() {},
  warn() {},
  debug() {},
  error: (message: string) => void errors.push(message),
};

@Module({ imports: [CancelableModule.forRoot({ maxLive: 1_000_000 })], providers: [Recursion] })
class App {}

const app = await NestFactory.createApplicationContext(App, { logger: logger as never });
const registry = app.get(OperationRegistry);
const service = app.get(Recursion);

const unhandled: string[] = [];
process.on('unhandledRejection', (error) => void unhandled.push(String(error)));
process.on('uncaughtException', (error) => void unhandled.push(`uncaught: ${String(error)}`));

const found: Record<string, object> = {};
for (const [name, recurse] of Object.entries(scenarios)) {
  unhandled.length = errors.length = 0;
  const outcomes = new Set<string>();
  for (let round = 0; round < 20; round++) {
    try {
      const result = deeper(round * 3, () => recurse(registry, service)) as Promise<unknown>;
      await result;
      outcomes.add('value');
    } catch (error) {
      outcomes.add((error as Error).name);
    }
    for (let count = 0; count < 3; count++) await turn();
  }
  found[name] = {
    outcomes: [...outcomes],
    live: registry.statistics().live,
    unhandled: unhandled.slice(0, 5),
    errors: errors.slice(0, 5),
  };
  registry.cancelAll({});
  await turn();
}
console.log(JSON.stringify(found));
await app.close();
