import { describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { Cancelable, OnOperation, type OperationEvent } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { rejection, turn } from '../support/deferred.js';

@Injectable()
class Work {
  @Cancelable({ name: 'quick', tags: ['listed'] })
  async quick() {
    return 1;
  }

  @Cancelable({ name: 'short', timeout: 10 })
  short() {
    return new Promise(() => {});
  }
}

describe('@OnOperation()', () => {
  it('calls the method for events of its type that match, with this', async () => {
    @Injectable()
    class Audit {
      readonly heard: string[] = [];

      @OnOperation('started')
      onStarted({ operation }: OperationEvent) {
        this.heard.push(`started ${operation.name}`);
      }

      @OnOperation('canceled', { reason: 'timeout' })
      onTimeout({ type, operation, at }: OperationEvent) {
        this.heard.push(`${type} ${operation.name} ${at instanceof Date}`);
      }

      @OnOperation('canceled', { reason: 'manual' })
      onManual() {
        this.heard.push('never');
      }

      @OnOperation('settled', { tag: 'listed' })
      @OnOperation('started', { tag: 'listed' })
      onListed({ type }: OperationEvent) {
        this.heard.push(`listed ${type}`);
      }
    }
    const { app } = await startContext({ providers: [Work, Audit] });
    const work = app.get(Work);
    await work.quick();
    await rejection(work.short());

    expect(app.get(Audit).heard.sort()).toEqual([
      'canceled short true',
      'listed settled',
      'listed started',
      'started quick',
      'started short',
    ]);
  });

  it('is inherited, and an override without the decorator does not listen', async () => {
    const heard: string[] = [];
    class Base {
      @OnOperation('started')
      inherited() {
        heard.push('inherited');
      }

      @OnOperation('started')
      overridden() {
        heard.push('overridden');
      }
    }
    @Injectable()
    class Audit extends Base {
      override overridden() {}
    }
    const { app } = await startContext({ providers: [Work, Audit] });
    await app.get(Work).quick();

    expect(heard).toEqual(['inherited']);
  });

  it('logs what listeners throw or reject with, and others still hear', async () => {
    const heard: string[] = [];
    @Injectable()
    class Audit {
      @OnOperation('started')
      throws() {
        throw new RangeError('broken listener');
      }

      @OnOperation('started')
      async rejects() {
        throw new RangeError('broken promise');
      }

      @OnOperation('started')
      hears() {
        heard.push('heard');
      }
    }
    const { app, log } = await startContext({ providers: [Work, Audit] });
    expect(await app.get(Work).quick()).toBe(1);
    await turn();

    expect(heard).toEqual(['heard']);
    expect(log.find('error', "@OnOperation('started') on Audit.throws")).toHaveLength(1);
    expect(log.find('error', 'broken promise')).toHaveLength(1);
  });

  it('costs nothing for events of another type, and no snapshot for those its filter leaves out', async () => {
    let snapshots = 0;
    const probe = { toJSON: () => ++snapshots };
    const heard: unknown[] = [];
    @Injectable()
    class Audit {
      @OnOperation('canceled')
      canceled({ operation }: OperationEvent) {
        heard.push(operation.name);
      }

      @OnOperation('settled', { name: 'other', metadata: { probe: 'other' } })
      settled() {
        heard.push('never');
      }
    }
    const { registry } = await startContext({ providers: [Audit] }, { history: { limit: 0 } });
    const work = registry.start({ name: 'work', metadata: { probe } });
    await work.complete();
    expect(snapshots).toBe(0);

    const stopped = registry.start({ name: 'stopped', metadata: { probe } });
    stopped.operation.cancel();
    await stopped.complete();
    expect(heard).toEqual(['stopped']);
    expect(snapshots).toBe(1);
  });

  it('measures an age from when the event comes', async () => {
    const heard: string[] = [];
    @Injectable()
    class Audit {
      @OnOperation('settled', { olderThan: '500ms' })
      slow({ operation }: OperationEvent) {
        heard.push(operation.name);
      }
    }
    const { registry } = await startContext({ providers: [Audit] });
    await registry.run('quick', () => {});
    const slow = registry.start('slow');
    while (slow.operation.duration < 500) await turn();
    await slow.complete();
    expect(heard).toEqual(['slow']);
  });

  it('hears nothing of other applications, nor after its own has closed', async () => {
    const heard: string[] = [];
    @Injectable()
    class Audit {
      @OnOperation('started')
      hears({ operation }: OperationEvent) {
        heard.push(operation.name);
      }
    }
    const first = await startContext({ providers: [Work, Audit] });
    const second = await startContext({ providers: [Work] });
    await second.app.get(Work).quick();
    expect(heard).toEqual([]);
    await first.app.get(Work).quick();
    expect(heard).toEqual(['quick']);
    await first.app.close();
    await first.app.get(Work).quick();

    expect(heard).toEqual(['quick']);
  });

  it('needs a singleton', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Audit {
      @OnOperation('started')
      hears() {}
    }

    expect((await rejection(startContext({ providers: [Audit] }))).message).toBe(
      "@OnOperation('started') on Audit.hears: the provider is not a singleton, so there is no " +
        'instance to call. Move the listener to a provider of the default scope.',
    );
  });
});
