import type { NatsRecord, ReadPacket } from '@nestjs/microservices';
import { ownValue } from '../scope/plain-object.js';
import type { Library } from './client-settings.js';

type Values = Readonly<Record<string, string>>;

/** Puts values on a message. */
export type Carrier = (packet: ReadPacket, values: Values) => ReadPacket;

/**
 * How a client's messages carry values: over TCP and Redis beside the data, which a server of Nest
 * 11 does not read; over NATS as headers.
 *
 * @returns `undefined` for the other transports: their servers read nothing, and a cancel would be
 * one more message in a queue
 */
export function carrierOf(client: object, library: Library): Carrier | undefined {
  const { ClientNats, ClientRedis, ClientTCP, NatsRecord } = library;
  if (client instanceof ClientTCP || client instanceof ClientRedis) return carryInMetadata;
  if (!(client instanceof ClientNats)) return undefined;
  return (packet, values) => carryInHeaders(client, NatsRecord, packet, values);
}

function carryInMetadata(packet: ReadPacket, values: Values): ReadPacket {
  const metadata = ownValue(packet, 'metadata') as object | undefined;
  return { ...packet, metadata: { ...metadata, ...values } };
}

/** The headers of the client's own package for NATS. */
interface NatsHeaders {
  keys(): string[];
  values(key: string): string[];
  append(key: string, value: string): void;
}

/** A client's headers are merged with those of a message by a method that can make new ones. */
interface HeaderMaker {
  mergeHeaders?(headers: undefined): NatsHeaders;
}

function carryInHeaders(
  client: object,
  Record: typeof NatsRecord,
  packet: ReadPacket & { headers?: NatsHeaders },
  values: Values,
): ReadPacket {
  const maker = Object.create(client, { options: { value: { headers: values } } }) as HeaderMaker;
  const headers = maker.mergeHeaders?.(undefined);
  if (headers === undefined) return packet;
  const data: unknown = packet.data;
  if (data instanceof Record) {
    // A record may be sent again, or have the headers of the message that is being answered.
    addOthers(headers, data.headers as NatsHeaders | undefined, values);
    return { ...packet, data: new Record<unknown>(data.data, headers) };
  }
  addOthers(headers, ownValue(packet, 'headers') as NatsHeaders | undefined, values);
  return { ...packet, headers } as ReadPacket;
}

function addOthers(headers: NatsHeaders, others: NatsHeaders | undefined, values: Values): void {
  for (const key of others?.keys() ?? []) {
    if (Object.hasOwn(values, key.toLowerCase())) continue;
    for (const value of others?.values(key) ?? []) headers.append(key, value);
  }
}
