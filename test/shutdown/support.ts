import type { Agent } from 'node:http';
import { Controller, Get, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import {
  Cancelable,
  type CancelableModuleOptions,
  type CancelableOptions,
  currentOperation,
} from 'nestjs-cancelable';
import { type Deferred, deferred, turn } from '../support/deferred.js';
import {
  type Adapter,
  type HttpApp,
  type HttpAppOptions,
  startHttpApp,
} from '../support/http-app.js';
import { get, type HttpAnswer } from '../support/http-client.js';

/** Longer than any test may take: what waits for it fails. */
export const NEVER_ENDING = '1h';

/** What runs may take all the time it needs. */
export const PATIENT = { grace: NEVER_ENDING };

/** Work that stops when it is canceled, and never before. */
export const untilCanceled = (): Promise<void> => currentOperation().sleep(NEVER_ENDING);

/** Work that never ends, canceled or not. */
export const deafWork = (): Promise<never> => new Promise(() => {});

type ShutdownOptions = CancelableModuleOptions['shutdown'];

/** Starts an application whose connections end by themselves, as they do by default. */
export function start(
  adapter: Adapter,
  shutdown: ShutdownOptions,
  parts: HttpAppOptions = {},
): Promise<HttpApp> {
  return startHttpApp(adapter, {
    forceClose: false,
    ...parts,
    cancelable: shutdown === undefined ? {} : { shutdown },
  });
}

/** Begins to close, and waits until the application drains. */
export async function drain({ app, registry }: HttpApp): Promise<{ closed: Promise<void> }> {
  const closed = app.close();
  while (!registry.draining) await turn();
  return { closed };
}

/** What a route does. The test opens the gate; `find` gives providers of the application. */
type Work = (gate: Promise<void>, find: <Provider>(type: Type<Provider>) => Provider) => unknown;

/** Waits until the test lets it answer. */
const untilOpened: Work = (gate) => gate.then(() => 'done');

export interface WaitingOptions {
  /** By default the routes wait for the gate, and answer 'done'. */
  readonly work?: Work;
  /** The options of the decorated route. */
  readonly cancelable?: CancelableOptions;
}

/** A controller with a decorated and an undecorated route, which do the same. */
export function waitingController({ work = untilOpened, cancelable = {} }: WaitingOptions = {}) {
  const entered = deferred();
  const gate = deferred();

  @Controller()
  class Waiting {
    constructor(private readonly modules: ModuleRef) {}

    @Get('decorated')
    @Cancelable(cancelable)
    async decorated(): Promise<unknown> {
      return this.undecorated();
    }

    @Get('undecorated')
    async undecorated(): Promise<unknown> {
      entered.resolve();
      return work(gate.promise, (type) => this.modules.get(type, { strict: false }));
    }
  }
  return { entered, gate, Waiting };
}

export interface WaitingParts extends WaitingOptions {
  readonly path?: 'decorated' | 'undecorated';
  readonly agent?: Agent;
  readonly controllers?: Type[];
  readonly providers?: Type[];
  readonly forceClose?: boolean;
}

export interface WaitingApp extends HttpApp {
  /** The answer to the request that waits. */
  readonly answer: Promise<HttpAnswer>;
  /** Lets it be answered. */
  readonly gate: Deferred<void>;
}

/** Starts an application, and a request to one of its waiting routes. */
export async function startWaiting(
  adapter: Adapter,
  shutdown: ShutdownOptions,
  parts: WaitingParts = {},
): Promise<WaitingApp> {
  const { entered, gate, Waiting } = waitingController(parts);
  const { path = 'decorated', agent, controllers = [], providers = [], forceClose } = parts;
  const host = await start(adapter, shutdown, {
    controllers: [Waiting, ...controllers],
    providers,
    forceClose: forceClose === true,
  });
  const answer = get(`${host.url}/${path}`, agent === undefined ? {} : { agent });
  await entered.promise;
  return { ...host, answer, gate };
}
