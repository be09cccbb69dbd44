/** What asks a process to end, and can be listened to. */
const ENDING_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const;

/**
 * Nest ignores a signal while it shuts down; whoever sends it again means it. Only signals that
 * somebody listens to already: any other ends the process by itself, and shall go on doing so.
 *
 * @returns stops listening
 */
export function listenForRepeatedSignals(listener: () => void): () => void {
  const signals = ENDING_SIGNALS.filter((signal) => process.listenerCount(signal) > 0);
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.removeListener(signal, listener);
  };
}
