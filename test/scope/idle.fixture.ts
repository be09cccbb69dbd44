import { CancelationToken, onCondition, onEvent, OperationRegistry } from 'nestjs-cancelable';
import { armedTimers } from '../../lib/scope/timers.js';

/** Never ends, and keeps nothing alive. */
const endless = () => new Promise<never>(() => {});

const registry = new OperationRegistry({ zombies: { after: '1h' } });
registry.spawn({ name: 'timeout', timeout: '1h' }, endless);
registry.spawn({ name: 'deadline', deadline: new Date(Date.now() + 3_600_000) }, endless);
registry.spawn({ name: 'stall', stall: '1h' }, endless);
registry.spawn({ name: 'condition', sources: [onCondition(() => false)] }, endless);
registry.spawn({ name: 'event', sources: [onEvent(new EventTarget(), 'stop')] }, endless);
registry.spawn('zombie', endless).cancel();
registry.spawn('shield', (operation) => operation.shield(endless, { limit: '1h' })).cancel();
registry.spawn('cleanup', (operation) => void operation.defer(endless)).cancel();
CancelationToken.timeout('1h').onCancel(() => {});
const watched = registry.spawn('watched', endless);
registry.watch(watched.id, { heartbeat: '1h' }).subscribe();

setImmediate(() => {
  const report = { timers: armedTimers(), live: registry.list().length };
  // Nothing here calls process.exit(): what is left would keep this process alive.
  process.once('exit', () => console.log(JSON.stringify(report)));
});
