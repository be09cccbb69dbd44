/** What every operation of a name and kind has in common. */
export interface Measured {
  /** One of few: `(other)` stands for the names that are too many. */
  readonly name: string;
  readonly kind: string;
}
