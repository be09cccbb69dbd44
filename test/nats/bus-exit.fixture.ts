import { natsBus } from 'nestjs-cancelable/nats';

/** Opens a bus, uses it, and has nothing else to do: this process is to end by itself. */
const bus = natsBus({ servers: `127.0.0.1:${process.argv[2]}` });
await bus.open({
  log: { debug: () => {}, warn: () => {}, error: () => {} },
  onRecovered: () => {},
});
await bus.subscribe('channel', () => {});
const isHeard = await bus.isHeard('channel').catch(() => false);
process.once('beforeExit', () => console.log(isHeard === true ? 'heard' : 'not heard'));
