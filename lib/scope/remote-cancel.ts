/**
 * Cancels that come from where nothing can interrupt the code that runs: memory shared with another
 * thread. Whoever asks whether a scope is canceled looks there first.
 */
export const remoteCancel: { poll: (() => void) | undefined } = { poll: undefined };
