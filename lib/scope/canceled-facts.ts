import type { CanceledSubject, CancelFacts } from './cancelation-error.js';
import { valueOf } from './derived-value.js';

/** The subject of an error whose scope has ended: plain facts, and nothing of the scope. */
export class CanceledFacts implements CanceledSubject {
  constructor(
    readonly id: string | undefined,
    readonly name: string | undefined,
    readonly rootId: string | undefined,
    /** Perhaps a `DerivedValue`. */
    private readonly saved: unknown,
    readonly record: CancelFacts | undefined,
  ) {}

  get partialResult(): unknown {
    return valueOf(this.saved);
  }
}
