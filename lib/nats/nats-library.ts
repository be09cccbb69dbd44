/** The part of `@nats-io/transport-node` that is used. */
export interface NatsLibrary {
  connect(options: object): Promise<NatsBusConnection>;
  headers(): NatsHeaders;
}

/** Loads the library, once it is needed. */
export type LoadLibrary = () => Promise<NatsLibrary>;

export interface NatsHeaders {
  set(name: string, value: string): void;
}

export interface NatsMessage {
  readonly data: Uint8Array;
  /** Where an answer is waited for. */
  readonly reply?: string;
  respond(): boolean;
}

export interface NatsSubscription {
  unsubscribe(): void;
}

export interface NatsStatuses extends AsyncIterable<{
  readonly type: string;
  readonly error?: unknown;
}> {
  stop?(): void;
}

/** A connection, ours or the user's. */
export interface NatsBusConnection {
  /** What keeps a process alive is reached here alone. */
  readonly protocol?: {
    readonly transport?: { readonly socket?: { unref?(): void } };
    readonly heartbeats?: { cancel?(): void };
  };
  publish(subject: string, message: string): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): NatsSubscription;
  request(subject: string, message: string, options: object): Promise<NatsMessage>;
  flush(): Promise<void>;
  status(): NatsStatuses;
  isClosed(): boolean;
  closed(): Promise<unknown>;
  close(): Promise<void>;
}

/** Nobody listens to what was asked: the server says so itself. */
export function isNoResponders(error: unknown): boolean {
  return namesOf(error).includes('NoResponders');
}

export function isTimeout(error: unknown): boolean {
  return namesOf(error).includes('TimeoutError');
}

/** Of an error and of what it comes from. */
function namesOf(error: unknown): unknown[] {
  const { name, cause } = error as { name?: unknown; cause?: { name?: unknown } };
  return [name, cause?.name];
}

/** The library's own way leaves out a byte order mark. */
export function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}
