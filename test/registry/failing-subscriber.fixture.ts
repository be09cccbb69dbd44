import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import { OperationRegistry } from 'nestjs-cancelable';

/** Every subscriber throws: prints how many of them Node has reported, and how the operations went. */
const reported: string[] = [];
/** Watching for zombies does not keep a process alive. */
const alive = setInterval(() => {}, 60_000);
process.on('uncaughtException', (error) => reported.push(error.message));
const failing = (what: string) => () => {
  throw new Error(what);
};
for (const what of ['start', 'cancel', 'zombie', 'settle']) {
  subscribe(`nestjs-cancelable:operation:${what}`, failing(what));
}
tracingChannel('nestjs-cancelable:operation:run').subscribe({
  start: failing('run:start'),
  end: failing('run:end'),
  asyncStart: failing('run:asyncStart'),
  asyncEnd: failing('run:asyncEnd'),
  error: failing('run:error'),
});
const registry = new OperationRegistry({ zombies: { after: 1 } });
const done = await registry.run('report', async () => 'done');
let letGo = () => {};
const stuck = registry.run('stuck', () => new Promise<void>((resolve) => (letGo = resolve)));
const zombie = new Promise<void>((resolve) => {
  registry.events$.subscribe(({ type }) => type === 'zombie' && resolve());
});
registry.cancelAll({ name: 'stuck' });
const reason = await stuck.catch((error: { reason: string }) => error.reason);
await zombie;
letGo();
await registry.whenIdle();
const failed = await registry
  .run('broken', () => Promise.reject(new RangeError('no paper')))
  .catch((error: Error) => error.message);
await new Promise((resolve) => setImmediate(resolve));
console.log(
  JSON.stringify({
    done,
    reason,
    failed,
    live: registry.statistics().live,
    reported: [...new Set(reported)],
  }),
);
clearInterval(alive);
