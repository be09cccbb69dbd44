import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cancelable, currentOperation, type Operation } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';
import { deferred } from '../support/deferred.js';

describe('@Cancelable() on @OnEvent()', () => {
  it('is an operation of kind event, below the one that emits', async () => {
    const seen = [deferred<Operation>(), deferred<Operation>()];
    @Injectable()
    class Mailer {
      @OnEvent('order.created')
      @Cancelable({ timeout: '1h' })
      async send() {
        seen[0]?.resolve(currentOperation());
        await currentOperation().sleep('1h');
      }
      @Cancelable({ detached: true })
      @OnEvent('order.created')
      async audit() {
        seen[1]?.resolve(currentOperation());
      }
    }
    const { app, registry, log } = await startContext({
      imports: [EventEmitterModule.forRoot()],
      providers: [Mailer],
    });
    await app.init();
    await registry.run('request', () => void app.get(EventEmitter2).emit('order.created'));
    const [send, audit] = await Promise.all(seen.map(({ promise }) => promise));
    expect([send?.name, send?.kind, audit?.kind]).toEqual(['Mailer.send', 'event', 'event']);
    await registry.whenIdle();
    // Nobody awaited the listener, so it ended with the request, and the log says how to keep it.
    expect(send?.snapshot()).toMatchObject({ status: 'canceled', reason: 'parent' });
    expect(audit?.snapshot()).toMatchObject({ status: 'completed' });
    expect(log.find('warn', 'request completed while Mailer.send was still running')).toHaveLength(
      1,
    );
  });
});
