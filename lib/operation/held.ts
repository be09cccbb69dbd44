/** Another operation holds the key of a call, which therefore does not start. */
export class Held<State> {
  constructor(
    readonly holder: State,
    /** The call gets the holder's outcome; otherwise it is skipped. */
    readonly joins: boolean,
  ) {}
}
