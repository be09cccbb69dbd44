import { ANSWER_LIMIT } from '../cluster/bus-session.js';
import { isRecord, ownValue } from '../scope/plain-object.js';
import { LeasesRefused } from './leases-refused.js';
import {
  isNoResponders,
  type LoadLibrary,
  type NatsBusConnection,
  textOf,
} from './nats-library.js';

/** Codes of errors that no second attempt gets over. */
const NOT_ENABLED = new Set([10039, 10076]);
const NO_REPLICAS = 10074;

/** An answer of JetStream that says no. */
export class JetStreamError extends Error {
  constructor(
    readonly code: number,
    description: string,
  ) {
    super(description);
  }
}

interface Answer {
  readonly answer: Readonly<Record<string, unknown>>;
  readonly error: JetStreamError | undefined;
}

/**
 * JetStream as its server is asked, in JSON over the connection itself:
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference
 */
export class JetStream {
  constructor(
    private readonly connection: NatsBusConnection,
    private readonly library: LoadLibrary,
  ) {}

  /** @throws LeasesRefused where no server has JetStream; Error when there is no answer */
  async ask(what: string, question: object): Promise<Answer> {
    try {
      return this.read(await this.request(`$JS.API.${what}`, JSON.stringify(question)));
    } catch (error) {
      throw isNoResponders(error) ? notEnabled(error) : error;
    }
  }

  /**
   * Writes to a stream.
   *
   * @param revision what must be the last of the subject; 0: nothing
   */
  async publish(subject: string, text: string, revision?: number): Promise<Answer> {
    if (revision === undefined) return this.read(await this.request(subject, text));
    const headers = (await this.library()).headers();
    headers.set('Nats-Expected-Last-Subject-Sequence', String(revision));
    return this.read(await this.request(subject, text, { headers }));
  }

  private async request(subject: string, text: string, options = {}): Promise<Uint8Array> {
    const timeout = ANSWER_LIMIT;
    return (await this.connection.request(subject, text, { timeout, ...options })).data;
  }

  private read(data: Uint8Array): Answer {
    const answer: unknown = JSON.parse(textOf(data));
    if (!isRecord(answer)) throw new Error('JetStream has answered what is no object');
    const error = ownValue(answer, 'error');
    if (!isRecord(error)) return { answer, error: undefined };
    const code = Number(ownValue(error, 'err_code'));
    const description = String(ownValue(error, 'description'));
    if (NOT_ENABLED.has(code)) throw notEnabled(description);
    if (code === NO_REPLICAS) throw new LeasesRefused(`leases.replicas: ${description}`);
    return { answer, error: new JetStreamError(code, description) };
  }
}

function notEnabled(cause: unknown): LeasesRefused {
  return new LeasesRefused('JetStream is not enabled: start nats-server with -js', { cause });
}
