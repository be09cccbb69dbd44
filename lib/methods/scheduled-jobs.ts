import type { ModulesContainer } from '@nestjs/core';
import { isCancelation } from '../scope/cancelation-error.js';
import { describeChain, rootCause } from '../operation/causes.js';
import { OperationRefused } from '../operation/operation-errors.js';
import { runtimeOf } from './cancelable-runtime.js';
import type { MethodDefinition } from './method-definition.js';
import { type AnyFunction, getDefinition } from './method-metadata.js';

/**
 * The part of @nestjs/schedule that is used. It is known by its name and shape, since it may be
 * absent.
 */
const EXPLORER = 'ScheduleExplorer';

interface ScheduleExplorer {
  /** Makes what a timer calls of a job; logs what the job fails with, with its stack. */
  wrapFunctionInTryCatchBlocks?: Wrap;
}
type Wrap = (this: unknown, job: AnyFunction, instance: object) => unknown;

const quiet = new WeakSet<object>();

/**
 * A run that was canceled, or did not begin because the application shuts down, is no failure of
 * its job: the scheduler would log an error for each tick. Comes before the scheduler looks for
 * jobs.
 */
export function quietenScheduler(modules: ModulesContainer): void {
  for (const { providers } of modules.values()) {
    for (const { metatype } of providers.values()) {
      if (typeof metatype !== 'function' || metatype.name !== EXPLORER) continue;
      quietenExplorer(metatype.prototype as ScheduleExplorer);
    }
  }
}

function quietenExplorer(explorer: ScheduleExplorer): void {
  const { wrapFunctionInTryCatchBlocks: wrap } = explorer;
  if (typeof wrap !== 'function' || quiet.has(explorer)) return;
  quiet.add(explorer);
  explorer.wrapFunctionInTryCatchBlocks = function (job, instance) {
    return wrap.call(this, quietly(job), instance);
  };
}

function quietly(job: AnyFunction): AnyFunction {
  const definition = getDefinition(job) as MethodDefinition | undefined;
  return async function (this: unknown, ...args: unknown[]) {
    try {
      return await job.apply(this, args);
    } catch (error) {
      const runtime = runtimeOf(this as object);
      const line = cancelOf(error, definition?.planFor(runtime).operation.name);
      if (line === undefined) throw error;
      runtime.live.log.debug(line);
      return undefined;
    }
  };
}

/** The log line of a run that was canceled; `undefined` for any failure of its own. */
function cancelOf(error: unknown, name: string | undefined): string | undefined {
  if (error instanceof OperationRefused) return error.message;
  if (!isCancelation(error)) return undefined;
  const isOwn = name !== undefined && error.operationName === name;
  const isShutdown = (rootCause(error) ?? error).reason === 'shutdown';
  return isOwn || isShutdown
    ? `${name ?? error.operationName ?? 'A job'} was canceled: ${describeChain(error)}`
    : undefined;
}
