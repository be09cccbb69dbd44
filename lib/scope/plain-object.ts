/** Anything that has properties, functions left aside. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value) && !Array.isArray(value);
}

/**
 * A copy of an object's own keys with nothing behind them: whoever changed `Object.prototype` has
 * not changed what somebody wrote.
 */
export function bare<Value extends object>(value: Value): Value {
  return Object.assign(Object.create(null) as Value, value);
}

/** Reads an own property. */
export function ownValue(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** An object whose keys are all its own: no instance of a class, no Map, no Date. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  // Every realm has an Object.prototype of its own.
  return prototype === null || Object.hasOwn(prototype, 'isPrototypeOf');
}

/** Reads a property of an object or its class, and none of Object.prototype. */
export function memberOf(value: object, key: string): unknown {
  return isInherited(value, key) ? undefined : (value as Record<string, unknown>)[key];
}

/** The same of what users have thrown: `undefined` also where reading it throws. */
export function memberIfReadable(value: object, key: string): unknown {
  try {
    return memberOf(value, key);
  } catch {
    return undefined;
  }
}

/** What every error has, of one that users have thrown: each part may be anything. */
export function readableParts(
  error: Error,
): Readonly<Record<'name' | 'message' | 'stack' | 'code', unknown>> {
  return {
    name: memberIfReadable(error, 'name'),
    message: memberIfReadable(error, 'message'),
    stack: memberIfReadable(error, 'stack'),
    code: memberIfReadable(error, 'code'),
  };
}

/** Tells whether a key is there only because every object has it. */
export function isInherited(value: object, key: string): boolean {
  for (
    let up: object | null = value;
    up !== null;
    up = Object.getPrototypeOf(up) as object | null
  ) {
    if (Object.hasOwn(up, key)) return Object.hasOwn(up, 'isPrototypeOf');
  }
  return false;
}
