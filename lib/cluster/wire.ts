import { createHmac, timingSafeEqual } from 'node:crypto';
import { isRecord } from '../scope/plain-object.js';

/** Messages of another version are ignored: whoever understands them answers. */
export const WIRE_VERSION = 1;

/** Characters; what is longer is not looked into. */
export const LONGEST_MESSAGE = 4 * 2 ** 20;

/**
 * What one instance says to others.
 *
 * - `beat`: it is there, and knows of these others.
 * - `bye`: it leaves.
 * - `ask`: it wants an answer to a question.
 * - `answer`: the answer.
 * - `tell`: something that nobody answers.
 */
export type WireKind = 'beat' | 'bye' | 'ask' | 'answer' | 'tell';

const KINDS: ReadonlySet<unknown> = new Set<WireKind>(['beat', 'bye', 'ask', 'answer', 'tell']);

export interface WireMessage {
  readonly kind: WireKind;
  /** The id of the instance that sent it. */
  readonly from: string;
  /** What is asked or told. */
  readonly topic: string;
  /** Ties answers to their question; a question that is repeated keeps its own. */
  readonly request: string;
  readonly body: unknown;
  /** Its place among those of its sender, when messages are signed. */
  readonly number?: number | undefined;
}

/** A part of a message that is JSON already. */
export class Encoded {
  constructor(readonly json: string) {}
}

export function jsonOf(value: unknown): string {
  return value instanceof Encoded ? value.json : (JSON.stringify(value) ?? 'null');
}

/** What arrives, where it does not travel. */
export function decoded(value: unknown): unknown {
  return value instanceof Encoded ? (JSON.parse(value.json) as unknown) : value;
}

/** Characters of a topic, and of what ties answers to their question: both are remembered. */
const LONGEST_TEXT = 256;

/** The id of an instance is a part of the name of its channel: nothing that a server reads in it. */
export function isInstanceId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT;
}

/** Why a message was ignored. */
export type IgnoredMessage = 'oversized' | 'forged' | 'stale' | 'garbage' | 'version';

/** The messages of a service: as text, numbered and signed when there is a secret. */
export class Wire {
  private sent = 0;

  constructor(private readonly secret: string | undefined) {}

  get isSigned(): boolean {
    return this.secret !== undefined;
  }

  /** @param channel is signed too, so that nobody can send what was sent elsewhere */
  encode(channel: string, { kind, from, topic, request, body }: WireMessage): string {
    const n = this.isSigned ? ++this.sent : undefined;
    const head = JSON.stringify({ v: WIRE_VERSION, k: kind, f: from, t: topic, r: request, n });
    const text = `${head.slice(0, -1)},"b":${jsonOf(body)}}`;
    return this.secret === undefined ? text : `${this.sign(channel, text)}.${text}`;
  }

  decode(channel: string, message: string): WireMessage | IgnoredMessage {
    if (message.length > LONGEST_MESSAGE) return 'oversized';
    const text = this.verified(channel, message);
    if (text === undefined) return 'forged';
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return 'garbage';
    }
    if (!isRecord(value)) return 'garbage';
    const { v, k, f, t, r, n, b } = value;
    if (typeof v !== 'number') return 'garbage';
    if (v !== WIRE_VERSION) return 'version';
    // A kind that a later release has added is none that this one could misread.
    if (!KINDS.has(k)) return typeof k === 'string' ? 'version' : 'garbage';
    if (!isInstanceId(f) || !isShort(t) || !isShort(r)) return 'garbage';
    if (this.isSigned && !Number.isSafeInteger(n)) return 'garbage';
    const number = this.isSigned ? (n as number) : undefined;
    return { kind: k as WireKind, from: f, topic: t, request: r, body: b, number };
  }

  private verified(channel: string, message: string): string | undefined {
    if (this.secret === undefined) return message;
    const end = message.indexOf('.');
    if (end === -1) return undefined;
    const text = message.slice(end + 1);
    const given = Buffer.from(message.slice(0, end));
    const right = Buffer.from(this.sign(channel, text));
    return given.length === right.length && timingSafeEqual(given, right) ? text : undefined;
  }

  private sign(channel: string, text: string): string {
    return createHmac('sha256', this.secret as string)
      .update(`${channel}\n${text}`)
      .digest('base64url');
  }
}
