import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Method } from '../scope/shared-method.js';

/** What is used of `pg`: its public names, and those that have been the same in all of version 8. */
export interface Library {
  readonly Client: { readonly prototype: PgClient };
  readonly Pool: { readonly prototype: object };
  readonly Query: new (config: unknown, values?: unknown, callback?: unknown) => Submittable;
  readonly Connection: new (config: object) => PgConnection;
}

/** What a client takes as a query: its own, cursors, streams. */
export interface Submittable {
  callback?: QueryCallback | undefined;
  /** @returns an Error: it was not sent, and the next one follows */
  submit: (this: Submittable, connection: PgConnection) => Error | null | undefined | void;
  handleError: (this: Submittable, error: unknown, connection: PgConnection) => void;
  handleReadyForQuery: (this: Submittable, connection: PgConnection) => void;
  /** Streams have it. */
  destroy?: (this: Submittable, error?: Error) => unknown;
  /** Cursors have it: `idle` between two reads. */
  readonly state?: string;
  /** The streams that are made of one have it. */
  readonly cursor?: { readonly state?: string };
}

export type QueryCallback = (error: unknown, result?: unknown) => unknown;

/** One connection to a server, as its client uses it. */
export interface PgConnection extends EventEmitter {
  readonly stream: Socket;
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

export interface PgClient {
  readonly host?: string;
  readonly port?: number;
  readonly ssl?: boolean | object;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  readonly connection?: PgConnection;
  readonly connectionParameters?: { readonly sslnegotiation?: string };
  readonly _Promise?: PromiseConstructor;
  /** Queries follow one another without waiting for answers. */
  readonly pipeline?: boolean;
  /** Gives a client of a pool back; set anew each time it is taken out. */
  release?: (error?: unknown) => void;
  readonly end: (this: PgClient) => Promise<void>;
  _pulseQueryQueue(): void;
}

export type Query = (
  this: PgClient,
  config: unknown,
  values?: unknown,
  callback?: unknown,
) => unknown;

export type Connect = (this: PgClient, callback?: Method) => unknown;

export type Pulse = (this: PgClient) => void;
