export interface Sale {
  readonly region: string;
  /** In dollars. */
  readonly amount: number;
}
