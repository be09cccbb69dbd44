import { quote } from '../scope/describe-value.js';
import { parseDuration } from '../scope/duration.js';
import {
  EXCLUSIVE_SCOPES,
  ON_CONFLICT,
  ON_SHUTDOWN,
  OPERATION_CALLBACKS,
  OPERATION_KINDS,
  type OperationOptions,
  SETTLE_MODES,
} from './operation-options.js';
import { isRecord, ownValue } from '../scope/plain-object.js';
import {
  checkOptions,
  oneOf,
  type OptionReader,
  type OptionReaders,
  readBoolean,
  readDuration,
  readText,
  refuse,
} from '../scope/validate.js';

/** How each option that starts an operation is checked. */
export const operationReaders: {
  readonly [Key in keyof Required<OperationOptions<object>>]: OptionReader;
} = {
  name: readText,
  kind: oneOf(...OPERATION_KINDS),
  timeout: (value, where) => {
    if (value !== false) parseDuration(value, where, { orElse: 'false' });
  },
  deadline: (value, where) => {
    if (!(value instanceof Date) || Number.isNaN(value.getTime()))
      refuse(where, value, 'a valid Date');
  },
  tags: (value, where) => {
    if (!Array.isArray(value) || value.some((tag) => typeof tag !== 'string' || tag === '')) {
      refuse(where, value, 'an array of strings');
    }
  },
  metadata: (value, where) => {
    if (!isRecord(value)) refuse(where, value, 'a plain object');
  },
  id: readText,
  settle: oneOf(...SETTLE_MODES),
  detached: readBoolean,
  onShutdown: oneOf(...ON_SHUTDOWN),
  stall: readDuration,
  exclusive: (value, where) => {
    checkOptions(value, where, exclusiveReaders);
    const given = value as object;
    if (Object.hasOwn(given, 'key') && ownValue(given, 'key') === undefined) {
      // It would be one key for all.
      refuse(`${where}: key`, undefined, 'a string, or to leave it out');
    }
    if (ownValue(given, 'onConflict') === undefined) {
      refuse(where, value, `an onConflict of ${ON_CONFLICT.map(quote).join(' or ')}`);
    }
    if (ownValue(given, 'scope') === 'cluster' && ownValue(given, 'onConflict') === 'join') {
      const allowed = ON_CONFLICT.filter((mode) => mode !== 'join').map(quote);
      throw new TypeError(
        `${where}: onConflict: 'join' is not allowed with scope: 'cluster', since no outcome is ` +
          `shared between processes. Allowed: ${allowed.join(', ')}; or scope: 'instance'.`,
      );
    }
  },
  on: (value, where) => {
    if (!isRecord(value)) refuse(where, value, 'an object of callbacks');
    for (const [key, callback] of Object.entries(value)) {
      if (!(OPERATION_CALLBACKS as readonly string[]).includes(key)) {
        refuse(where, key, OPERATION_CALLBACKS.map(quote).join(', '));
      }
      if (callback !== undefined && typeof callback !== 'function')
        refuse(`${where}.${key}`, callback, 'a function');
    }
  },
};

const exclusiveReaders: OptionReaders = {
  key: readText,
  onConflict: oneOf(...ON_CONFLICT),
  scope: oneOf(...EXCLUSIVE_SCOPES),
};
