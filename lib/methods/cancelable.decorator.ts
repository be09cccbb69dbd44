import type { StreamableFile } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { Duration } from '../scope/duration.js';
import {
  type CancelableOptions,
  readCancelableOptions,
  normalizeOptions,
} from './cancelable-options.js';
import { invokeMethod } from './invoke-method.js';
import { isWorkerProcess } from './method-trigger.js';
import { MethodDefinition } from './method-definition.js';
import {
  type AnyFunction,
  getDefinition,
  impersonate,
  isHandler,
  isNotCancelable,
  markNotCancelable,
  methodsOf,
  setDefinition,
  setLength,
} from './method-metadata.js';
import { injectRuntime } from './runtime-slot.js';

/**
 * What can be canceled while it lasts.
 *
 * @publicApi
 */
export type AsyncResult =
  | PromiseLike<unknown>
  | Observable<unknown>
  | AsyncIterable<unknown>
  | StreamableFile
  | { getReader(): unknown };

/** `true` for results with an asynchronous member, `T | Promise<T>` among them. */
type IsAsync<Result> = 0 extends 1 & Result
  ? true
  : [Extract<Result, AsyncResult>] extends [never]
    ? false
    : true;

/**
 * An option function can be called with the method's arguments: it takes a leading part of them.
 */
type Takes<Parameters extends readonly unknown[], Option> = Option extends (
  ...args: never[]
) => unknown
  ? Option extends (...args: Parameters) => unknown
    ? true
    : false
  : true;

type TakesAll<Parameters extends readonly unknown[], Options> = false extends {
  [Key in keyof Options]: Key extends 'on' ? true : Takes<Parameters, Options[Key]>;
}[keyof Options]
  ? false
  : true;

type ThisOf<Options> = {
  [Key in keyof Options]-?: Options[Key] extends (this: infer This, ...args: never[]) => unknown
    ? unknown extends This
      ? never
      : This
    : never;
}[keyof Options];

type MatchesThis<Target, Options> = [ThisOf<Options>] extends [never]
  ? true
  : [Target] extends [ThisOf<Options>]
    ? true
    : false;

/* eslint-disable @typescript-eslint/no-explicit-any -- any method there is */
type Check<Method extends (...args: any[]) => any, Target, Options> =
  IsAsync<ReturnType<Method>> extends false
    ? {
        '@Cancelable() needs a method that returns a Promise, an Observable, an AsyncIterable or a StreamableFile': never;
      }
    : TakesAll<Parameters<Method>, Options> extends false
      ? { 'An option function takes parameters that the method does not have': never }
      : MatchesThis<Target, Options> extends false
        ? { "An option function's `this` is not the method's class": never }
        : unknown;

/**
 * Fits methods whose result is asynchronous, and classes.
 *
 * @publicApi
 */
export interface CancelableDecorator<Options> {
  /** On a class. */
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- as Nest types classes
  (target: Function): void;
  /** On a method. */
  <Target extends object, Method extends (...args: any[]) => any>(
    target: Target,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Check<Method, Target, Options>,
  ): void;
}
/* eslint-enable @typescript-eslint/no-explicit-any */

/**
 * Makes each call of a method an operation: it stops when its caller's operation stops, its time is
 * up, somebody cancels it, or the application shuts down. A handler that is decorated *is* the
 * request's operation. On a class: every handler of a controller, gateway or resolver; options for
 * the decorated methods of a provider.
 *
 * @param timeout milliseconds or with a unit; `false` switches an inherited one off. Default: none
 * @throws TypeError when the class is defined, for options that are not valid
 * @example
 * \@Get(':city')
 * \@Cancelable('10s')
 * build(@Param('city') city: string, @CancelToken() token: CancelationToken) { … }
 * @publicApi
 */
export function Cancelable(timeout?: Duration | false): CancelableDecorator<object>;
/**
 * Makes each call of a method an operation, with options.
 *
 * @throws TypeError when the class is defined, for options that are not valid
 * @example
 * \@Cancelable({ timeout: '5s', name: 'reports.render' })
 * async render(rows: Row[], operation = currentOperation()) { … }
 * @publicApi
 */
export function Cancelable<const Options extends CancelableOptions>(
  options: Options,
): CancelableDecorator<Options>;
export function Cancelable(
  given?: Duration | false | CancelableOptions,
): CancelableDecorator<object> {
  const written = normalizeOptions(given);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- as Nest types classes
  const decorate = (target: object | Function, key?: string | symbol, descriptor?: unknown) => {
    if (typeof target === 'function' && key === undefined) decorateClass(target, written);
    else decorateMethod(target, key as string | symbol, descriptor, written);
  };
  return decorate as CancelableDecorator<object>;
}

/**
 * Keeps a handler, or all of a class, out of the module's defaults and of disconnects.
 *
 * @publicApi
 */
export function NotCancelable(): MethodDecorator & ClassDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    markNotCancelable((descriptor?.value as object | undefined) ?? target);
  };
}

function decorateMethod(
  target: object,
  key: string | symbol,
  descriptor: unknown,
  written: CancelableOptions,
): void {
  const name = `${classNameOf(target)}.${String(key)}`;
  const options = readCancelableOptions(written, `@Cancelable() on ${name}`);
  const { value } = (descriptor ?? {}) as { value?: unknown };
  if (typeof value !== 'function') {
    throw new TypeError(`@Cancelable() on ${name}: it belongs on a method or a class.`);
  }
  if (getDefinition(value) !== undefined) {
    throw new TypeError(`@Cancelable() on ${name}: it is there twice. Merge the options into one.`);
  }
  const wrapper = wrap(target, key, value as AnyFunction, options, name);
  (descriptor as PropertyDescriptor).value = wrapper;
}

function wrap(
  prototype: object,
  key: string | symbol,
  original: AnyFunction,
  options: CancelableOptions,
  name: string,
  visible = original,
): AnyFunction {
  const definition = new MethodDefinition(prototype, key, original, options, name);
  const wrapper = function (this: object, ...args: unknown[]): unknown {
    return invokeMethod(definition, this, args);
  } as AnyFunction;
  definition.wrapper = wrapper;
  impersonate(wrapper, visible);
  // BullMQ gives its signal only to processors that take it.
  if (isWorkerProcess(prototype, key) && visible.length < 3) setLength(wrapper, 3);
  setDefinition(wrapper, definition);
  injectRuntime(prototype);
  return wrapper;
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- as Nest types classes
function decorateClass(target: Function, written: CancelableOptions): void {
  const options = readCancelableOptions(written, `@Cancelable() on ${target.name}`);
  const prototype = target.prototype as object;
  for (const key of methodsOf(prototype).keys()) {
    const method = (prototype as Record<string | symbol, unknown>)[key] as AnyFunction;
    const definition = getDefinition(method) as MethodDefinition | undefined;
    if (definition === undefined && (!isHandler(method) || isNotCancelable(method))) continue;
    if (definition !== undefined && Object.hasOwn(prototype, key)) {
      definition.setClassOptions(options);
      continue;
    }
    const name = `${target.name}.${String(key)}`;
    const original = definition?.original ?? method;
    const wrapper = wrap(prototype, key, original, definition?.options ?? {}, name, method);
    (getDefinition(wrapper) as MethodDefinition).setClassOptions(options);
    Object.defineProperty(prototype, key, {
      value: wrapper,
      writable: true,
      configurable: true,
      enumerable: false,
    });
  }
}

/** A static method's target is the class itself. */
function classNameOf(target: object): string {
  return typeof target === 'function' ? target.name : target.constructor.name;
}
