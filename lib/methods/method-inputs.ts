import { ownValue } from '../scope/plain-object.js';
import type { CancelableOptions } from './cancelable-options.js';
import type { AnyFunction } from './method-metadata.js';

/** A default value that only fetches the call's own operation is no input. */
const OWN_OPERATION = /=\s*.*\b(?:currentOperation|currentToken|tryCurrentOperation|injected)\b/s;

/**
 * A call that joins another gets that one's answer: without a key, whatever it was asked for.
 *
 * @param marked the parameters that the library fills
 * @throws TypeError when the method has parameters that the key says nothing of
 */
export function checkJoin(
  { exclusive }: CancelableOptions,
  method: AnyFunction,
  marked: ReadonlySet<number>,
  where: string,
): void {
  if (exclusive?.onConflict !== 'join' || ownValue(exclusive, 'key') !== undefined) return;
  const inputs = parametersOfText(method).filter(
    (parameter, index) => !marked.has(index) && !OWN_OPERATION.test(parameter),
  );
  if (inputs.length === 0 && method.length <= marked.size) return;
  throw new TypeError(
    `${where}: exclusive: 'join' without a key gives the answer of one call to all others, whatever ` +
      `their parameters (${inputs.join(', ')}). Give it a key made of them, key: (first) => first, or, ` +
      "if the answer does not depend on them, a fixed one: key: 'same for all'.",
  );
}

/** The parameters of a function as they are written: `length` stops at the first default value. */
function parametersOfText(method: AnyFunction): string[] {
  const text = Function.prototype.toString.call(method);
  const parameters: string[] = [];
  let depth = 0;
  let quote = '';
  let current = '';
  for (let index = text.indexOf('('); index >= 0 && index < text.length; index++) {
    const character = text.charAt(index);
    if (quote !== '') {
      if (character === '\\') index++;
      else if (character === quote) quote = '';
      continue;
    }
    if ('\'"`'.includes(character)) quote = character;
    if ('([{'.includes(character) && depth++ === 0) continue;
    if (')]}'.includes(character) && --depth === 0) break;
    if (character === ',' && depth === 1) {
      parameters.push(current.trim());
      current = '';
    } else {
      current += character;
    }
  }
  return [...parameters, current.trim()].filter((parameter) => parameter !== '');
}
