import { createParamDecorator } from '@nestjs/common';
import { Operation } from '../operation/operation.js';
import { currentToken, tryCurrentOperation } from '../operation/current-operation.js';
import type { OperationState } from '../operation/operation-state.js';
import { CancelationToken, linkScope } from '../scope/token.js';

/** The kind of a decorated parameter. */
type ParameterKind = 'token' | 'operation';

const parameters = new WeakMap<object, Map<string | symbol, Map<number, ParameterKind>>>();

const tokenFromContext = createParamDecorator(() => currentToken());
const operationFromContext = createParamDecorator(() => tryCurrentOperation());

/**
 * Gives a parameter the token of its operation. A caller may pass a token (or an AbortSignal) of
 * its own, which is then linked. On a handler without `@Cancelable` it is the request's token.
 *
 * @example
 * \@Get(':city')
 * \@Cancelable('10s')
 * build(@Param('city') city: string, @CancelToken() token: CancelationToken) { … }
 * @publicApi
 */
export function CancelToken(): ParameterDecorator {
  return mark('token', tokenFromContext());
}

/**
 * Gives a parameter its operation. See `CancelToken`.
 *
 * @publicApi
 */
export function CurrentOperation(): ParameterDecorator {
  return mark('operation', operationFromContext());
}

function mark(kind: ParameterKind, nest: ParameterDecorator): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) {
      throw new TypeError(
        `@${kind === 'token' ? 'CancelToken' : 'CurrentOperation'}() belongs on a parameter of a method, ` +
          'not of a constructor: an operation lasts for one call.',
      );
    }
    let methods = parameters.get(target);
    if (methods === undefined)
      parameters.set(target, (methods = new Map<string | symbol, Map<number, ParameterKind>>()));
    let marks = methods.get(key);
    if (marks === undefined) methods.set(key, (marks = new Map<number, ParameterKind>()));
    marks.set(index, kind);
    nest(target, key, index);
  };
}

/** The decorated parameters of a method, in order; of the class that declares it. */
export function parametersOf(
  prototype: object,
  key: string | symbol,
): readonly [number, ParameterKind][] {
  for (
    let owner: object | null = prototype;
    owner !== null;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    const marks = parameters.get(owner)?.get(key);
    if (marks !== undefined) return [...marks];
    if (Object.hasOwn(owner, key)) break;
  }
  return [];
}

/** Puts tokens and operations into the arguments; links what the caller passed. */
export function fillParameters(
  args: unknown[],
  marks: readonly [number, ParameterKind][],
  state: OperationState,
): void {
  for (const [index, kind] of marks) {
    const passed = args[index];
    if (passed !== undefined && passed !== injected) {
      // Nest has filled the parameters of a handler.
      if (kind === 'token' && CancelationToken.isOf(passed, state)) continue;
      linkPassed(state, passed);
    }
    const operation = Operation.of(state);
    args[index] = kind === 'token' ? operation.token : operation;
  }
}

function linkPassed(state: OperationState, passed: unknown): void {
  if (passed instanceof Operation) {
    if (Operation.stateOf(passed) !== state) link(state, passed.token);
  } else if (passed instanceof CancelationToken) {
    if (CancelationToken.scopeOf(passed) !== state) link(state, passed);
  } else if (passed instanceof AbortSignal) {
    link(state, passed);
  }
}

function link(state: OperationState, source: CancelationToken | AbortSignal): void {
  const unlink = linkScope(state, source);
  if (state.record === undefined) state.addLink(unlink);
}

/**
 * The default value for parameters that use the decorators: callers may leave them out. Throws
 * with instructions when it was never replaced.
 *
 * @example
 * \@Cancelable('5s')
 * async render(rows: Row[], @CancelToken() token: CancelationToken = injected) { … }
 * @publicApi
 */
export const injected: never = createInjected();

function createInjected(): never {
  const fail = (): never => {
    throw new Error(
      'This parameter was to be injected, but nothing did it: the method needs @Cancelable(), and ' +
        'the parameter @CancelToken() or @CurrentOperation().',
    );
  };
  const handler: ProxyHandler<object> = { get: fail, set: fail, has: fail, getPrototypeOf: fail };
  return new Proxy({}, handler) as never;
}
