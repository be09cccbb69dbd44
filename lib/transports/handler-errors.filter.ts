import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { type EarlyErrorsFilter, OwnError } from './early-errors.filter.js';

const FILTERS = '__exceptionFilters__';

/**
 * Stands for an application's filter on a class that Nest applies no global filters to: a gateway,
 * or the controller of a microservice that does not inherit the configuration of its application.
 */
@Catch(OwnError)
class HandlerErrorsFilter implements ExceptionFilter {
  /** The filters of the applications that have the class. */
  readonly owners = new Set<EarlyErrorsFilter>();

  catch(error: unknown, host: ArgumentsHost): unknown {
    const [owner] = this.owners;
    // With several applications, it is unknown whose filters apply.
    return this.owners.size > 1 ? owner?.answer(error, host, []) : owner?.catch(error, host);
  }
}

/**
 * Comes before any gateway or microservice is connected, which is when Nest reads the metadata.
 *
 * @returns takes the application's filter away
 */
export function filterHandlers(classes: Iterable<object>, filter: EarlyErrorsFilter): () => void {
  const filters = [...new Set(classes)].map(handlerFilterOf);
  for (const { owners } of filters) owners.add(filter);
  return () => {
    for (const { owners } of filters) owners.delete(filter);
  };
}

/** Nest asks the last of a class first: those of the user. */
function handlerFilterOf(target: object): HandlerErrorsFilter {
  const all = (Reflect.getMetadata(FILTERS, target) as unknown[] | undefined) ?? [];
  const found = all.find((each) => each instanceof HandlerErrorsFilter);
  if (found !== undefined) return found;
  const added = new HandlerErrorsFilter();
  Reflect.defineMetadata(FILTERS, [added, ...all], target);
  return added;
}
