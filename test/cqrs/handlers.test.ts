import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  EventsHandler,
  type IEvent,
  QueryBus,
  QueryHandler,
  Saga,
} from '@nestjs/cqrs';
import { Cancelable, currentOperation, type Operation } from 'nestjs-cancelable';
import { filter, map, type Observable } from 'rxjs';
import { startContext } from '../support/app-context.js';
import { deferred, rejection } from '../support/deferred.js';

class Import {
  constructor(readonly seen: (operation: Operation) => void) {}
}

@CommandHandler(Import)
class ImportHandler {
  @Cancelable('1h')
  async execute({ seen }: Import): Promise<void> {
    const operation = currentOperation();
    seen(operation);
    await operation.sleep('1h');
  }
}

class CountRows {}

@QueryHandler(CountRows)
class CountRowsHandler {
  @Cancelable('1h')
  async execute() {
    return currentOperation().snapshot();
  }
}

class Uploaded implements IEvent {
  constructor(readonly seen: (operation: Operation) => void) {}
}

@EventsHandler(Uploaded)
class UploadedHandler {
  @Cancelable({ detached: true })
  async handle({ seen }: Uploaded) {
    const operation = currentOperation();
    seen(operation);
    await operation.sleep('1h');
  }
}

@Injectable()
class Sagas {
  @Saga()
  @Cancelable()
  imports(events$: Observable<IEvent>): Observable<Import> {
    return events$.pipe(
      filter((event) => event instanceof Uploaded),
      map((event) => new Import(event.seen)),
    );
  }
}

const imports = [CqrsModule.forRoot()];

describe('@Cancelable() on CQRS handlers', () => {
  it('is an operation of kind cqrs, below the one that sends the command', async () => {
    const { app, registry } = await startContext({ imports, providers: [ImportHandler] });
    const seen = deferred<Operation>();
    const parent = registry.spawn('request', () =>
      app.get(CommandBus).execute(new Import(seen.resolve)),
    );
    const operation = await seen.promise;
    expect(operation.snapshot()).toMatchObject({
      name: 'ImportHandler.execute',
      kind: 'cqrs',
      parentId: parent.id,
    });
    parent.cancel({ reason: 'disconnect' });
    expect((await rejection(parent.result)).reason).toBe('disconnect');
    expect(operation.cancelation).toMatchObject({
      reason: 'parent',
      cause: { reason: 'disconnect' },
    });
    await registry.whenIdle();
  });

  it('is one for queries too', async () => {
    const { app } = await startContext({ imports, providers: [CountRowsHandler] });
    expect(await app.get(QueryBus).execute(new CountRows())).toMatchObject({ kind: 'cqrs' });
  });

  it('lets an event handler go on after its publisher, if it is detached', async () => {
    const { app, registry } = await startContext({ imports, providers: [UploadedHandler] });
    const seen = deferred<Operation>();
    await registry.run('request', () => app.get(EventBus).publish(new Uploaded(seen.resolve)));
    const operation = await seen.promise;
    expect(operation.snapshot()).toMatchObject({ kind: 'cqrs', status: 'running' });
    operation.cancel();
    await registry.whenIdle();
  });

  it('begins the commands of a saga, and ends the saga with the application', async () => {
    const { app, registry } = await startContext(
      { imports, providers: [Sagas, ImportHandler] },
      {},
    );
    const seen = deferred<Operation>();
    app.get(EventBus).publish(new Uploaded(seen.resolve));
    const operation = await seen.promise;
    expect(operation.kind).toBe('cqrs');
    expect(registry.list({ name: 'Sagas.imports' })).toHaveLength(1);
    operation.cancel();
    // The grace is ten seconds: the saga is not waited for.
    await app.close();
    expect(registry.history({ name: 'Sagas.imports' })).toMatchObject([{ reason: 'shutdown' }]);
  });
});
