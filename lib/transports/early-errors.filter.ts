import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import type { EarlySettings } from './early-responder.js';
import { isGraphqlAnswer } from './graphql/graphql-errors.js';
import type { HttpOptions } from './http/http-options.js';
import { publicErrorOf } from './public-errors.js';
import { transports } from './transport-table.js';

/** Nest's own word for what a filter catches. */
const CAUGHT = '__filterCatchExceptions__';

type ErrorClass = abstract new (...args: never[]) => unknown;

/**
 * Stands for every error of ours, so that other copies of the package count, too; and for what
 * GraphQL sends of one, which Nest would log.
 */
export class OwnError {
  static [Symbol.hasInstance](error: unknown): boolean {
    return publicErrorOf(error) !== undefined || isGraphqlAnswer(error);
  }
}

/**
 * Answers what guards and middleware fail with, when they call what is decorated: there is no room,
 * time is up, the application drains. Interceptors, ours among them, come later.
 *
 * Stands behind the filters of methods and classes, and before those of the application, which get
 * what they would get of a handler.
 */
@Catch(OwnError)
export class EarlyErrorsFilter implements ExceptionFilter {
  private readonly globalFilters: () => ExceptionFilter[];

  constructor(
    config: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
    private readonly http: HttpOptions,
  ) {
    const getGlobalFilters = config.getGlobalFilters.bind(config);
    this.globalFilters = getGlobalFilters;
    // Whenever they are set, they are read when a handler is mounted: the last comes first.
    config.getGlobalFilters = () => [...getGlobalFilters(), this];
  }

  catch(error: unknown, host: ArgumentsHost): unknown {
    return this.answer(error, host, this.filtersFor(host));
  }

  /** @param filters of the application, in the order they were set */
  answer(error: unknown, host: ArgumentsHost, filters: readonly ExceptionFilter[]): unknown {
    const responder = transports[host.getType()]?.early;
    if (responder === undefined) return undefined;
    const alone = responder.answersAlone?.(error, host);
    if (alone !== undefined) return alone;
    const { settings } = this;
    const answer = responder.translate(error, host, settings);
    for (const filter of [...filters].reverse()) {
      const caught = caughtBy(filter);
      if (caught.some((type) => error instanceof type)) return filter.catch(error, host);
      if (caught.length === 0 || caught.some((type) => answer instanceof type)) {
        return filter.catch(answer, host);
      }
    }
    return responder.answer(answer, host, settings);
  }

  private get settings(): EarlySettings {
    // Without a server there is null.
    return { http: this.http, server: this.adapterHost.httpAdapter ?? undefined };
  }

  /**
   * Gateways have no global filters. A microservice of a hybrid application has them only if it
   * inherits them, which nobody can tell from here.
   */
  private filtersFor(host: ArgumentsHost): readonly ExceptionFilter[] {
    const type = host.getType<string>();
    const hasNone = type === 'ws' || (type === 'rpc' && this.settings.server !== undefined);
    return hasNone ? [] : this.globalFilters();
  }
}

/** Empty: everything. */
function caughtBy(filter: ExceptionFilter): readonly ErrorClass[] {
  const caught: unknown =
    Reflect.getMetadata(CAUGHT, Object.getPrototypeOf(filter) as object) ??
    Reflect.getMetadata(CAUGHT, filter.constructor);
  return Array.isArray(caught) ? (caught as ErrorClass[]) : [];
}
