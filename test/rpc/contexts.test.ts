import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import {
  type CustomTransportStrategy,
  KafkaContext,
  MqttContext,
  NatsContext,
  RedisContext,
  RmqContext,
  Server,
} from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom, type Observable } from 'rxjs';
import { rejection } from '../support/deferred.js';
import { entered, metadata } from './reports.controller.js';
import { startService } from './support.js';

/** Stands in for a broker that cannot run here: hands messages over with the context it would have. */
class Hands extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('hands');
  listen(callback: () => void): void {
    callback();
  }
  close(): void {}
  override on(): void {}
  override unwrap(): never {
    throw new Error('There is nothing below');
  }
  async handle(pattern: string, data: unknown, ...rest: unknown[]): Promise<Observable<unknown>> {
    const handler: ((...args: unknown[]) => unknown) | null = this.getHandlerByPattern(pattern);
    return this.transformToObservable((await handler?.(data, ...rest)) as Observable<unknown>);
  }
}

const message = { content: Buffer.from('{}'), properties: {}, fields: {} };
const contexts: [string, unknown][] = [
  ['RabbitMQ', new RmqContext([message as never, {} as never, 'reports'])],
  [
    'Kafka',
    new KafkaContext([
      { headers: {} } as never,
      0,
      'topic',
      {} as never,
      async () => {},
      {} as never,
    ]),
  ],
  ['MQTT', new MqttContext(['reports', {}])],
  ['an unknown transport', { getSocketRef: () => undefined, getPattern: 1 }],
  ['a transport without a context', undefined],
  [
    'a transport whose context throws',
    {
      getSocketRef: () => {
        throw new Error('not now');
      },
      getPattern: () => {
        throw new Error('not now');
      },
    },
  ],
];

/** A call of gRPC whose clock a test sets: two real clocks differ by what the machine has to do. */
class CallByHand extends EventEmitter {
  cancelled = false;

  constructor(public deadline: number) {
    super();
  }

  getDeadline(): number {
    return this.deadline;
  }

  /** The client leaves, so many milliseconds before its deadline as the server counts. */
  leave(left: number): void {
    this.deadline = Date.now() + left;
    this.cancelled = true;
    this.emit('cancelled');
  }
}

describe('A gRPC client that leaves (its call is made by hand)', () => {
  it.each([
    ['after its deadline', -1, 'timeout'],
    ['just before it, since clocks differ', 50, 'timeout'],
    ['well before it', 60_000, 'disconnect'],
    ['without having one', Infinity, 'disconnect'],
  ])('%s', async (_when, left, reason) => {
    const hands = new Hands();
    const { next, registry } = await startService({ strategy: hands }, metadata);
    const call = new CallByHand(left === Infinity ? Infinity : Date.now() + 3_600_000);
    const began = firstValueFrom(entered);
    const canceled = next('canceled', 'reports.build');
    const answer = hands
      .handle('reports.build', 'Paris', {}, call)
      .then((found) => rejection(lastValueFrom(found)));
    await began;
    expect(call.listenerCount('cancelled')).toBe(1);
    call.leave(left);
    expect(await canceled).toMatchObject({ reason });
    expect(await answer).toMatchObject({ code: reason === 'timeout' ? 4 : 1 });
    await registry.whenIdle();
    expect(call.listenerCount('cancelled')).toBe(0);
  });
});

describe('A handler of several patterns (no broker runs here)', () => {
  const named: [string, unknown][] = [
    ['RabbitMQ', new RmqContext([message as never, {} as never, 'reports.other'])],
    ['Redis', new RedisContext(['reports.other'] as never)],
    ['NATS', new NatsContext(['reports.other', {} as never])],
    [
      'Kafka',
      new KafkaContext([{} as never, 0, 'reports.other', {} as never, async () => {}, {} as never]),
    ],
    ['MQTT', new MqttContext(['reports.other', {}])],
  ];

  it.each(named)('is named by the one that %s tells', async (_name, context) => {
    const hands = new Hands();
    await startService({ strategy: hands }, metadata);
    const found = await hands.handle('reports.other', {}, context);
    expect(await lastValueFrom(found)).toBe('reports.other');
  });

  it('is named by the first where the context throws, or tells of something else', async () => {
    const hands = new Hands();
    await startService({ strategy: hands }, metadata);
    for (const [, context] of contexts) {
      const found = await hands.handle('reports.other', {}, context);
      expect(await lastValueFrom(found)).toBe('reports.some');
    }
  });
});

describe.each(contexts)(
  'A handler with the context of %s (no broker runs here)',
  (_name, context) => {
    it('is an operation, answers with its error, and is canceled by hand', async () => {
      const hands = new Hands();
      const { registry } = await startService({ strategy: hands }, metadata, {
        request: (host) => ({
          metadata: { context: host.switchToRpc().getContext<object>()?.constructor.name },
        }),
      });
      const echo = await lastValueFrom(await hands.handle('reports.echo', 'Paris', context));
      expect(echo).toMatchObject({ name: 'reports.echo', kind: 'rpc' });
      expect(registry.history()[0]?.metadata).toEqual({ context: context?.constructor.name });
      const late = await rejection(lastValueFrom(await hands.handle('reports.late', {}, context)));
      expect(late).toMatchObject({ code: 'OPERATION_TIMEOUT' });
      const began = firstValueFrom(entered);
      const answer = hands
        .handle('reports.build', 'Paris', context)
        .then((found) => rejection(lastValueFrom(found)));
      await began;
      registry.cancelAll({ name: 'reports.build' });
      expect(await answer).toMatchObject({ code: 'OPERATION_MANUAL' });
      await registry.whenIdle();
    });
  },
);
