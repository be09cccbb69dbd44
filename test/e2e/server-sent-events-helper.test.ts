import { describe, expect, it } from '@jest/globals';
import { Controller, Sse } from '@nestjs/common';
import {
  Cancelable,
  currentOperation,
  OperationRegistry,
  serverSentEvents,
} from 'nestjs-cancelable';
import { lastValueFrom, toArray } from 'rxjs';
import { deferred, rejection, thrown } from '../support/deferred.js';
import { adapters, startHttpApp } from '../support/http-app.js';
import { get, OpenAnswer, send } from '../support/http-client.js';

function createWords() {
  const closed = deferred<string>();
  async function* words(then: 'wait' | 'end' | 'fail') {
    try {
      yield 'one';
      yield 'two';
      if (then === 'fail') throw new Error('on its own');
      if (then === 'wait') await new Promise(() => {});
    } finally {
      closed.resolve('closed');
    }
  }

  @Controller()
  class Words {
    @Sse('complete')
    @Cancelable()
    complete() {
      return serverSentEvents(words('end'), (word) => ({ type: 'word', data: { word } }));
    }

    @Sse('endless')
    @Cancelable()
    endless() {
      return serverSentEvents(words('wait'));
    }

    @Sse('limited')
    @Cancelable(200)
    limited() {
      return serverSentEvents(words('wait'));
    }
  }
  return { Words, words, closed };
}

describe.each(adapters)('serverSentEvents() on %s', (adapter) => {
  it('sends an event for each item', async () => {
    const { Words } = createWords();
    const { url } = await startHttpApp(adapter, { controllers: [Words] });
    const { text } = await get(`${url}/complete`);
    expect(text.match(/^(event|data): .*$/gm)).toEqual([
      'event: word',
      'data: {"word":"one"}',
      'event: word',
      'data: {"word":"two"}',
    ]);
  });

  it('ends with an event of its own, and closes the source, when the operation is canceled', async () => {
    const { Words } = createWords();
    const { url } = await startHttpApp(adapter, { controllers: [Words] });
    const { text, isCut } = await get(`${url}/limited`);
    expect(isCut).toBe(false);
    expect(text.match(/event: canceled/g)).toHaveLength(1);
    expect(text).toContain('"code":"OPERATION_TIMEOUT"');
  });

  it('closes the source when the client leaves', async () => {
    const { Words } = createWords();
    const { url, next } = await startHttpApp(adapter, { controllers: [Words] });
    const request = send(`${url}/endless`);
    const answer = await OpenAnswer.of(request);
    await answer.until('two');
    const settled = next('settled');
    request.destroy();
    expect(await settled).toMatchObject({ reason: 'disconnect', partialResult: { count: 2 } });
  });
});

describe('serverSentEvents()', () => {
  const registry = new OperationRegistry();

  it('needs an operation', () => {
    expect(thrown(() => serverSentEvents([1])).message).toContain('no current operation');
  });

  it('ends for whoever subscribes, also where no request is', async () => {
    const { words } = createWords();
    const events = await registry
      .run('answer', (operation) => {
        const events = lastValueFrom(serverSentEvents(words('wait')).pipe(toArray()));
        setImmediate(() => operation.cancel());
        return operation.shield(() => events);
      })
      .catch(() => undefined);
    expect(events).toBeUndefined();
    const inShield = await registry.run({ name: 'answer', settle: 'wait' }, async () => {
      const events = lastValueFrom(serverSentEvents(words('wait')).pipe(toArray()));
      setImmediate(() => void currentOperation().cancel());
      return events;
    });
    expect(inShield).toEqual([
      { data: 'one' },
      { data: 'two' },
      {
        type: 'canceled',
        data: { code: 'OPERATION_MANUAL', message: 'The operation was canceled' },
      },
    ]);
  });

  it('closes the source when its subscriber leaves, and passes on what it fails with', async () => {
    const { words, closed } = createWords();
    await registry.run('answer', async () => {
      const subscription = serverSentEvents(words('wait')).subscribe((event) => {
        if (event.data === 'two') subscription.unsubscribe();
      });
      expect(await closed.promise).toBe('closed');
      const error = await rejection(lastValueFrom(serverSentEvents(words('fail'))));
      expect(error.message).toBe('on its own');
    });
  });
});
