export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object whose keys are all its own: no instance of a class, no Map, no Date. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  // Every realm has an Object.prototype of its own.
  return prototype === null || Object.hasOwn(prototype, 'isPrototypeOf');
}
