import { Controller, Get, Injectable, Param, Query } from '@nestjs/common';
import {
  type ClientOptions,
  type ClientProxy,
  Ctx,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import {
  Cancelable,
  type CancelableModuleOptions,
  currentOperation,
  type Operation,
  OperationRegistry,
} from 'nestjs-cancelable';
import { CancelationController, microservices } from 'nestjs-cancelable/microservices';
import { concat, firstValueFrom, NEVER, of, Subject } from 'rxjs';
import { CorrelatedCalls } from '../../lib/transports/rpc/correlated-calls.js';
import { connectClient, startService } from '../rpc/support.js';
import { type HttpApp, startHttpApp } from '../support/http-app.js';
import { freePort } from '../support/servers.js';

export type Options = MicroserviceOptions & ClientOptions;

/** The provider of the other service begins to wait. */
export const entered = new Subject<Operation>();
/** An event came to the other service. */
export const heard = new Subject<unknown>();

@Injectable()
export class Rates {
  @Cancelable('1h')
  async wait(operation = currentOperation()): Promise<string> {
    entered.next(operation);
    await operation.sleep('1h');
    return 'never';
  }
}

/** What came beside the data, whatever the transport calls it. */
export function carriedOf(context: any): Record<string, string> {
  const sent = context.getMetadata?.() ?? context.getHeaders?.();
  if (typeof sent?.get !== 'function') return { ...sent };
  return Object.fromEntries(sent.keys().map((key: string) => [key, sent.get(key)]));
}

/** The service that is called. */
@Controller()
export class RatesController {
  constructor(private readonly rates: Rates) {}

  @MessagePattern('rates.find')
  @Cancelable('1h')
  find() {
    return this.rates.wait();
  }

  /** Not decorated: only its provider is canceled. */
  @MessagePattern('rates.plain')
  plain() {
    return this.rates.wait();
  }

  @MessagePattern('rates.short')
  @Cancelable(30)
  short() {
    return this.rates.wait();
  }

  @MessagePattern('rates.paid')
  @Cancelable({ timeout: '1h', onDisconnect: 'ignore' })
  async paid() {
    const operation = currentOperation();
    entered.next(operation);
    await firstValueFrom(heard);
    return operation.token.remaining();
  }

  /** Answers nothing before the test says so, whatever becomes of it. */
  @MessagePattern('rates.deaf')
  @Cancelable({ timeout: '1h', settle: 'wait' })
  async deaf() {
    const operation = currentOperation();
    await firstValueFrom(heard);
    await operation.sleep('1h');
  }

  @MessagePattern('rates.ticks')
  @Cancelable('1h')
  ticks() {
    return concat(of('tick'), NEVER);
  }

  @MessagePattern('rates.echo')
  @Cancelable('1h')
  async echo(@Payload() data: unknown, @Ctx() context: unknown) {
    const remaining = currentOperation().token.remaining();
    return { data, carried: carriedOf(context), remaining };
  }

  /** What a caller sends is the only limit. */
  @MessagePattern('rates.free')
  @Cancelable()
  async free() {
    const remaining = currentOperation().token.remaining();
    return remaining === Infinity ? 'free' : remaining;
  }

  @EventPattern('rates.changed')
  changed(@Ctx() context: unknown) {
    heard.next(carriedOf(context));
  }
}

export const serving = {
  controllers: [RatesController, CancelationController],
  providers: [Rates],
};

/** The calls that a service could cancel by id. */
export function correlated({ registry }: { registry: OperationRegistry }): CorrelatedCalls {
  return CorrelatedCalls.of(OperationRegistry.liveOf(registry));
}

@Controller('rates')
class FrontController {
  constructor(private readonly registry: OperationRegistry) {}

  static client: ClientProxy;

  @Get('brief/:pattern')
  @Cancelable(300)
  askBriefly(@Param('pattern') pattern: string) {
    return FrontController.client.send(`rates.${pattern}`, 'Paris');
  }

  @Get(':pattern')
  @Cancelable('1h')
  ask(@Param('pattern') pattern: string, @Query('timeout') timeout?: string) {
    const ask = () => FrontController.client.send(`rates.${pattern}`, 'Paris');
    if (timeout === undefined) return ask();
    return this.registry.run({ name: 'ask', timeout: Number(timeout) }, () =>
      firstValueFrom(ask()),
    );
  }
}

/** Two applications: one that is called over HTTP, and the service that it calls. */
export async function startPair(options: Options, cancelable?: CancelableModuleOptions) {
  const service = await startService(options, serving, cancelable);
  const client = await connectClient(options);
  FrontController.client = client;
  const front: HttpApp = await startHttpApp('Fastify', {
    controllers: [FrontController],
    cancelable: { extensions: [microservices()] },
  });
  return { service, client, front };
}

export const tcp = async (): Promise<Options> => ({
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: await freePort() },
});
