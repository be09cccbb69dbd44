import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { allOf, anyOf, Cancelable, onSignal } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';

const heard = () => {};
afterEach(() => {
  process.removeListener('SIGUSR2', heard);
});

describe('onSignal() for a signal that something else listens to', () => {
  @Injectable()
  class Service {
    @Cancelable({ sources: [allOf('1m', anyOf(onSignal('SIGUSR2', 'SIGHUP')))] })
    async work() {}
    @Cancelable({ sources: () => [onSignal('SIGUSR2')] })
    async perCall() {}
  }

  it('is warned about at the start, with the names of the method and the signal', async () => {
    process.on('SIGUSR2', heard);
    const { log } = await startContext({ providers: [Service] });
    expect(log.find('warn', 'onSignal(')).toHaveLength(1);
    expect(log.find('warn', "@Cancelable() on Service.work: onSignal('SIGUSR2')")).toHaveLength(1);
  });

  it('is not warned about where nothing else listens', async () => {
    const { log } = await startContext({ providers: [Service] });
    expect(log.find('warn')).toEqual([]);
  });
});
