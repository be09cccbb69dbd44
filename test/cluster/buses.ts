import type { CancelationBus } from 'nestjs-cancelable';
import { natsBus } from 'nestjs-cancelable/nats';
import { redisBus } from 'nestjs-cancelable/redis';

/** A bus over a server of this machine, by the server's port. */
const create = {
  redis: (port: number) => redisBus({ url: `redis://127.0.0.1:${port}` }),
  nats: (port: number) => natsBus({ servers: `127.0.0.1:${port}` }),
};

/** A server that carries the messages of instances. */
export type BusServer = keyof typeof create;

export const BUS_SERVERS = Object.keys(create) as BusServer[];

export function createBus(server: BusServer, port: number): CancelationBus {
  return create[server](port);
}
