import type { CancelationBus } from 'nestjs-cancelable';

/** Opens a bus that lacks its library, and prints what it says. */
export async function printOpening(bus: CancelationBus): Promise<void> {
  const log = { debug: () => {}, warn: () => {}, error: () => {} };
  const message = await bus.open({ log, onRecovered: () => {} }).then(
    () => 'it opened',
    (error: Error) => error.message,
  );
  console.log(JSON.stringify({ message }));
}
