/** A partial result that is put together when somebody reads it. */
export abstract class DerivedValue {
  abstract read(): unknown;
}

/**
 * function valueOf() { [native code] }
 *
 * @publicApi
 */
export function valueOf(value: unknown): unknown {
  return value instanceof DerivedValue ? value.read() : value;
}
