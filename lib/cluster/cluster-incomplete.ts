/**
 * Not all instances have answered, and without them it cannot be said: what is asked for may be at
 * one of them. Over HTTP: 503.
 *
 * @publicApi
 */
export class ClusterIncomplete extends Error {
  /** Always `'ClusterIncomplete'`. */
  override readonly name = 'ClusterIncomplete';
  /** The instances that did not answer, by name; empty when the bus is what failed. */
  readonly missing: readonly string[];

  constructor(message: string, missing: readonly string[]) {
    super(message);
    this.missing = missing;
  }
}
