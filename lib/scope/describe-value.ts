import { types } from 'node:util';
import { escapeControls } from './escape-controls.js';
import { isPlainObject, isRecord } from './plain-object.js';

/** Longer texts are cut in messages. */
const LONGEST = 200;

/** A value as a message about it names it; users may give anything, also what cannot be printed. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  if (types.isPromise(value)) return 'a promise';
  try {
    if (isRecord(value) && !isPlainObject(value)) return `an instance of ${nameOfClass(value)}`;
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return escapeControls(cut(text));
  } catch {
    return 'an object';
  }
}

export function quote(text: string): string {
  return `'${escapeControls(cut(text))}'`;
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function nameOfClass(value: object): string {
  const { constructor } = value;
  return typeof constructor === 'function' && constructor !== Object && constructor.name !== ''
    ? constructor.name
    : 'a class';
}
