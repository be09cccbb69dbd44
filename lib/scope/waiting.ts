/**
 * An answer, or a failure when there is none in time. One that has arrived while the process was
 * busy is in time.
 *
 * @param patience milliseconds
 * @param keepsAlive whether the process goes on for it
 * @throws Error that says how long was waited, and what the answer fails with
 */
export async function inTime<Value>(
  answer: Promise<Value>,
  patience: number,
  keepsAlive = false,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const refuse = () => reject(new Error(`no answer within ${patience} ms`));
    // Timers come before what is read from sockets, and immediates after it.
    timer = setTimeout(() => setImmediate(refuse), patience);
    if (!keepsAlive) timer.unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A pause that ends early when something is over. Its timer keeps no process alive. */
export async function pauseUntil(over: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
    timer.unref();
  });
  await Promise.race([passed, over]);
  clearTimeout(timer);
}
