import type { IncomingHttpHeaders } from 'node:http';

/** Up to 10 digits, as Connect has it: https://connectrpc.com/docs/protocol#timeouts */
const MILLISECONDS = /^\d{1,10}$/;

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const GRPC_TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const GRPC_UNITS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Reads from the headers of a request how long its caller waits. */
export class CallerDeadlines {
  private readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = [...new Set(names.map((name) => name.toLowerCase()))];
  }

  /**
   * @param ignored called for each header whose value is not valid
   * @returns the smallest, in milliseconds; Infinity: the caller says nothing that is valid
   */
  remaining(headers: IncomingHttpHeaders, ignored: () => void): number {
    let least = Infinity;
    for (const name of this.names) {
      const value = headers[name];
      if (value === undefined) continue;
      const milliseconds = typeof value === 'string' ? parse(name, value) : undefined;
      if (milliseconds === undefined) ignored();
      else if (milliseconds < least) least = milliseconds;
    }
    return least;
  }
}

/** Only 0 is over at once: a part of a millisecond is a whole one. */
function parse(name: string, value: string): number | undefined {
  if (name !== 'grpc-timeout') return MILLISECONDS.test(value) ? Number(value) : undefined;
  const [, digits, unit] = GRPC_TIMEOUT.exec(value) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Math.ceil(Number(digits) * (GRPC_UNITS[unit] ?? NaN));
}
