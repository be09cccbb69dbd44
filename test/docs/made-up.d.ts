// What examples take for granted: an application of somebody who makes reports of cities.
import type { ClientProxy } from '@nestjs/microservices';
import type { HealthCheckService } from '@nestjs/terminus';
import type { EventEmitter } from 'node:events';
import type { Observable } from 'rxjs';
import type { CancelationToken, Operation, OperationRegistry } from 'nestjs-cancelable';
import type { CancelableHealthIndicator } from 'nestjs-cancelable/terminus';
import type { Pool } from 'pg';

export interface User {
  readonly id: string;
}
export declare const CurrentUser: () => ParameterDecorator;
export declare const user: User;

export interface Row {
  readonly city: string;
  readonly population: number;
}
export interface Report {
  readonly city: string;
  readonly total: number;
}
export interface ReportQuery {
  readonly full: boolean;
  readonly customer: string;
}
/** An order as it is paid. */
export interface Order {
  readonly id: string;
}

export declare function rows(of: unknown): AsyncGenerator<Row>;
export declare function write(row: Row): Promise<void>;
export declare const operation: Operation;
export declare const registry: OperationRegistry;
export declare const stopToken: CancelationToken;

export declare class AppModule {}
export declare class AuthGuard {
  canActivate(): boolean;
}
export declare class ReportsController {}
export declare class RatesController {}
export declare class ReportsService {
  build(city: string, ...rest: unknown[]): Promise<Report>;
  render(city: string, ...rest: unknown[]): Promise<Report>;
  search(query: string, ...rest: unknown[]): Promise<Report[]>;
  import(rows: AsyncIterable<Row>, operation: Operation): Promise<void>;
  sync(operation: Operation): Promise<void>;
}

/** What a class of an example has: members of it stand alone in a page. */
export declare class MadeUp {
  protected readonly reports: ReportsService;
  protected readonly operations: OperationRegistry;
  protected readonly rates: ClientProxy;
  protected readonly pool: Pool;
  protected readonly queue: { add<Result>(task: () => Promise<Result>): Promise<Result> };
  protected readonly feed: EventEmitter<{ price: [number] }>;
  protected readonly stops$: Observable<unknown>;
  protected readonly payments: { capture(order: Order): Promise<string> };
  protected readonly health: HealthCheckService;
  protected readonly indicator: CancelableHealthIndicator;
  protected readonly repository: { byIds(ids: readonly string[]): Promise<User[]> };
}

export declare function createPool<Client>(factory: {
  create(): Promise<Client>;
  destroy(client: Client): Promise<void>;
}): { acquire(): Promise<Client> };
