import { Controller, Injectable } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  Cancelable,
  type CancelationToken,
  CancelToken,
  currentOperation,
} from 'nestjs-cancelable';
import { concat, NEVER, of, Subject } from 'rxjs';

/** What the provider was called for. */
export const entered = new Subject<string>();

@Injectable()
export class Rows {
  @Cancelable('1h')
  async wait(what: string, operation = currentOperation()): Promise<string> {
    entered.next(what);
    await operation.sleep('1h');
    return 'never';
  }
}

/** Handlers of every shape, for every transport of Nest. */
@Controller()
export class ReportsController {
  constructor(private readonly rows: Rows) {}

  @MessagePattern('reports.echo')
  @Cancelable('1h')
  async echo(text: string) {
    const { name, kind } = currentOperation();
    return { text, name, kind };
  }

  @Cancelable('1h')
  @MessagePattern('reports.build')
  build(city: string) {
    return this.rows.wait(city);
  }

  /** Not decorated: its provider is linked to the caller all the same. */
  @MessagePattern('reports.plain')
  plain(city: string) {
    return this.rows.wait(city);
  }

  @MessagePattern('reports.late')
  @Cancelable(200)
  async late() {
    await currentOperation().sleep('1h');
  }

  @MessagePattern('reports.ticks')
  @Cancelable('1h')
  ticks() {
    return concat(of('tick'), NEVER);
  }

  @MessagePattern('reports.rows')
  @Cancelable('1h')
  async *stream(count: number) {
    const operation = currentOperation();
    for (let row = 1; row <= count; row++) yield row;
    if (count > 2) await operation.sleep('1h');
  }

  @MessagePattern('reports.token')
  @Cancelable('1h')
  async token(@Payload() text: string, @CancelToken() token: CancelationToken) {
    return `${text}: ${token.isCanceled}`;
  }

  @MessagePattern('reports.own')
  @Cancelable('1h')
  async own(): Promise<void> {
    throw new RpcException({ code: 'OWN', message: 'my own' });
  }

  @MessagePattern('reports.one')
  @Cancelable({ timeout: '1h', exclusive: { onConflict: 'reject' } })
  one(city: string) {
    return this.rows.wait(city);
  }

  @MessagePattern(['reports.some', 'reports.other'])
  @Cancelable('1h')
  async several() {
    return currentOperation().name;
  }

  @EventPattern('reports.changed')
  @Cancelable('1h')
  changed(city: string) {
    return this.rows.wait(city);
  }
}

export const metadata = { controllers: [ReportsController], providers: [Rows] };
