import { onSignal, type Operation, OperationRegistry } from 'nestjs-cancelable';

/** Two operations wait for one signal; afterwards the signal does what it does by default. */
const registry = new OperationRegistry();
const forever = (operation: Operation) => operation.sleep('1h');
const first = registry.run({ sources: [onSignal('SIGUSR2')] }, forever);
const second = registry.run({ sources: [onSignal('SIGUSR2')] }, forever);
const listeners = process.listenerCount('SIGUSR2');
process.kill(process.pid, 'SIGUSR2');
const errors = await Promise.allSettled([first, second]);
await registry.whenIdle();
const left = process.listenerCount('SIGUSR2');
console.log(
  JSON.stringify({
    listeners,
    left,
    outcomes: errors.map((outcome) =>
      outcome.status === 'rejected'
        ? [outcome.reason.reason, outcome.reason.message]
        : outcome.status,
    ),
  }),
);
if (process.argv.includes('--again')) {
  setInterval(() => {}, 1_000);
  process.kill(process.pid, 'SIGUSR2');
}
