import type { HttpAdapterHost } from '@nestjs/core';
import { ServerConnections } from './server-connections.js';
import type { Drain } from './drain.js';
import { listenForRepeatedSignals } from './repeated-signals.js';
import type { OnNewRequests } from './shutdown-options.js';

/** What is taken of an adapter; `beforeClose` came with Nest 12. */
interface ClosableAdapter {
  close: (this: never) => unknown;
  beforeClose?: (this: never) => unknown;
  getHttpServer(): unknown;
}

/**
 * Drains before an HTTP adapter begins to close, which Nest does before it calls any hook, and sees
 * to it that its server then closes in time: a server waits for its connections without a limit.
 */
export function drainBeforeClose(
  { httpAdapter }: HttpAdapterHost,
  drain: Drain,
  onNewRequests: OnNewRequests,
): void {
  // Without a server there is null.
  if (httpAdapter == null) return;
  const adapter = httpAdapter as unknown as ClosableAdapter;
  const { close, beforeClose } = adapter;
  const connections = new ServerConnections(adapter.getHttpServer());
  drain.onBegin(() => connections.drain());
  if (onNewRequests === 'close-listener') drain.onBegin(() => connections.stopListening());
  adapter.beforeClose = async () => {
    await drain.begin();
    await beforeClose?.call(adapter as never);
  };
  adapter.close = async () => {
    const { endAll, stop } = connections.endSoon(drain.remainingGrace);
    const stopListening = listenForRepeatedSignals(endAll);
    try {
      return await close.call(adapter as never);
    } finally {
      stopListening();
      stop();
    }
  };
}
