import type { ArgumentsHost } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { isCancelation } from '../scope/cancelation-error.js';
import { foreignFailure } from './foreign-cancelation.js';
import type { HttpOptions } from './http/http-options.js';
import { publicReason } from './public-errors.js';

/** The settings that an answer depends on. */
export interface EarlySettings {
  readonly http: HttpOptions;
  /** `undefined`: the application has none. */
  readonly server: AbstractHttpAdapter | undefined;
}

/**
 * How a caller of one kind is told what its call failed with before it reached any interceptor: in
 * a guard, or in a middleware.
 */
export interface EarlyResponder {
  /** Answers where filters have no say. @returns what Nest gets; `undefined`: they have one */
  answersAlone?(error: unknown, host: ArgumentsHost): unknown;
  /** Translates an error into what exception filters get. */
  translate(error: unknown, host: ArgumentsHost, settings: EarlySettings): unknown;
  /** Answers as Nest itself does. @returns what Nest's filters give */
  answer(error: unknown, host: ArgumentsHost, settings: EarlySettings): unknown;
}

/** A caller that gets an answer has not left: who did is that of another call. */
export function earlyError(error: unknown): unknown {
  return isCancelation(error) && publicReason(error) === 'disconnect'
    ? foreignFailure(error)
    : error;
}
