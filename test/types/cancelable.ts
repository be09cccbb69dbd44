// Not run: what compiles here is promised, and every line below a @ts-expect-error must not.
import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Injectable,
  Param,
  type MessageEvent,
  Query,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import {
  Cancelable,
  type CancelableOptions,
  CancelationToken,
  CancelToken,
  CurrentOperation,
  currentOperation,
  currentToken,
  injected,
  NotCancelable,
  OnOperation,
  type Operation,
  type OperationEvent,
} from 'nestjs-cancelable';
import type { Observable } from 'rxjs';

interface Row {
  id: number;
}

/** Options with a type of their own, all of whose keys are optional. */
const shared: CancelableOptions = { timeout: '10s' };

@Controller()
@Cancelable('10s')
export class Results {
  readonly size = 3;

  @Cancelable()
  promise(): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable('10s')
  async asynchronous(): Promise<Row[]> {
    return [];
  }

  @Cancelable(500)
  thenable(): PromiseLike<number> {
    return Promise.resolve(1);
  }

  @Cancelable(false)
  maybe(): number | Promise<number> {
    return 1;
  }

  @Cancelable()
  nothingOrPromise(): Promise<string> | undefined {
    return undefined;
  }

  @Cancelable()
  observable(): Observable<Row> {
    return undefined as never;
  }

  @Cancelable({ timeout: '5s' })
  async *generator(): AsyncGenerator<Row> {}

  @Cancelable(shared)
  sharedOptions(): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable()
  iterable(): AsyncIterable<Row> {
    return this.generator();
  }

  @Cancelable()
  file(): StreamableFile {
    return new StreamableFile(Buffer.alloc(1));
  }

  @Cancelable()
  nodeStream(): Readable {
    return Readable.from([]);
  }

  @Cancelable()
  anything(): any {
    return 1;
  }

  @Cancelable()
  generic<Item>(item: Item): Promise<Item> {
    return Promise.resolve(item);
  }

  @Sse('events')
  @Cancelable({ onDisconnect: 'cancel', onShutdown: 'cancel' })
  events(): Observable<MessageEvent> {
    return undefined as never;
  }

  // @ts-expect-error -- a synchronous method has nothing to cancel
  @Cancelable()
  synchronous(): number {
    return 1;
  }

  // @ts-expect-error -- nor has one that returns nothing
  @Cancelable()
  nothing(): void {}

  // @ts-expect-error -- nor a synchronous generator
  @Cancelable()
  *counting(): Generator<number> {}

  // @ts-expect-error -- a getter is no method
  @Cancelable()
  get accessor(): Promise<number> {
    return Promise.resolve(1);
  }

  // @ts-expect-error -- a property is no method
  @Cancelable()
  property = async () => {};
}

@Injectable()
export class OptionFunctions {
  readonly limit = 5_000;

  @Cancelable({ timeout: () => 500 })
  none(_id: string): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable({ timeout: (id: string) => (id === '' ? false : '5s') })
  fewer(_id: string, _from: Date): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable({
    timeout(this: OptionFunctions, id: string) {
      return id.length * this.limit;
    },
    metadata: (id: string, from?: Date) => ({ id, from }),
    tags: (id: string) => [id],
    id: (id: string) => `report-${id}`,
    deadline: (_id: string, from?: Date) => from,
  })
  all(_id: string, _from?: Date): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable({ timeout: (ids: readonly string[]) => ids.length })
  wider(_ids: string[]): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable({ timeout: (...ids: string[]) => ids.length * 100 })
  rest(..._ids: string[]): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- the parameter is a string, not a number
  @Cancelable({ timeout: (id: number) => id })
  wrongParameter(_id: string): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- the method takes one parameter
  @Cancelable({ metadata: (id: string, page: number) => ({ id, page }) })
  tooMany(_id: string): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- an optional parameter may be undefined
  @Cancelable({ timeout: (size: number) => size })
  optional(_size?: number): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- the second parameter is a Date
  @Cancelable({ metadata: (id: string, page?: number) => ({ id, page }) })
  wrongOptional(_id: string, _from?: Date): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- `this` is another class
  @Cancelable({
    timeout(this: Results) {
      return this.size;
    },
  })
  wrongThis(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- a function that gives no duration
  @Cancelable({ timeout: () => new Date() })
  wrongResult(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- an option that does not exist
  @Cancelable({ timeOut: '5s' })
  unknownOption(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- a value that does not exist
  @Cancelable({ settle: 'now' })
  unknownValue(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error -- a name is fixed; what differs per call belongs into metadata
  @Cancelable({ name: (id: string) => id })
  computedName(_id: string): Promise<void> {
    return Promise.resolve();
  }

  @Cancelable({
    on: {
      start: (operation) => operation.annotate({ started: true }),
      cancel: (operation, error) => [operation.id, error.reason],
      settled: (operation) => operation.status,
    },
  })
  callbacks(_id: string): Promise<void> {
    return Promise.resolve();
  }
}

@Controller()
export class Parameters {
  @Get(':city')
  @Cancelable('10s')
  third(
    @Param('city') _city: string,
    @Query('page') _page: number,
    @CancelToken() token: CancelationToken,
  ): Promise<void> {
    return token.sleep(1);
  }

  @Get(':city/pages')
  @Cancelable({ timeout: (city: string) => city.length, tags: ['slow'] })
  withOptions(
    @Param('city') _city: string,
    @CurrentOperation() operation: Operation,
  ): Promise<void> {
    return operation.sleep(1);
  }

  @Get('plain')
  @NotCancelable()
  plain(@CancelToken() token: CancelationToken): boolean {
    return token.isCanceled;
  }

  @Cancelable()
  async defaults(
    _rows: Row[],
    operation = currentOperation(),
    token = currentToken(),
  ): Promise<string> {
    token.throwIfCanceled();
    return operation.name;
  }

  @Cancelable()
  async injectedToken(
    _rows: Row[],
    @CancelToken() token: CancelationToken = injected,
    @CurrentOperation() operation: Operation = injected,
  ): Promise<[boolean, string]> {
    return [token.isCanceled, operation.id];
  }

  @OnOperation('canceled', { reason: 'timeout' })
  listen({ operation }: OperationEvent): string {
    return operation.name;
  }

  // @ts-expect-error -- there is no such event
  @OnOperation('ended')
  wrongEvent(): void {}

  // @ts-expect-error -- there is no such key
  @OnOperation('settled', { reson: 'timeout' })
  wrongFilter(): void {}
}

@NotCancelable()
@Controller()
export class Apart {}
