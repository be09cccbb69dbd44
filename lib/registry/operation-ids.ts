import { randomFillSync } from 'node:crypto';

const BYTES = 16;
const pool = Buffer.alloc(BYTES * 256);
let next = pool.length;

/** 128 random bits, safe in a URL; random bytes are drawn for 256 at a time. */
export function randomText(bytes: number): string {
  if (next + bytes > pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  const text = pool.toString('base64url', next, next + bytes);
  next += bytes;
  return text;
}

/** An id that names its instance: eight characters, and 22 that are random. */
const OWN_ID = /^([a-z0-9]{8})-[\w-]{22}$/;

/** @returns the instance that an id names; undefined for a custom one */
export function ownerOfId(id: string): string | undefined {
  return OWN_ID.exec(id)?.[1];
}

/**
 * Ids of one instance: `k3x9qa-Zp0…`. They cannot be guessed, and tell where the operation lives.
 */
export class OperationIds {
  readonly instance: string = randomText(6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '0');

  create(): string {
    return `${this.instance}-${randomText(BYTES)}`;
  }
}
