// What examples take for granted: an application of somebody who makes reports of cities.
import type { Operation, OperationRegistry, ScopedRegistry } from 'nestjs-cancelable';
import type { ClientProxy } from '@nestjs/microservices';

export interface User {
  id: string;
}
export declare const CurrentUser: () => ParameterDecorator;

export interface Row {
  city: string;
  population: number;
}
export interface Report {
  city: string;
  total: number;
}
export interface Reports {
  build(city: string, ...rest: unknown[]): Promise<Report>;
  render(city: string, ...rest: unknown[]): Promise<Report>;
  search(query: string, ...rest: unknown[]): Promise<Report[]>;
  import(rows: AsyncIterable<Row>, operation: Operation): Promise<void>;
}

/** What a class of an example has: members of it stand alone in a page. */
export declare class MadeUp {
  protected readonly reports: Reports;
  protected readonly operations: OperationRegistry;
  protected readonly imports: ScopedRegistry;
  protected readonly rates: ClientProxy;
}
