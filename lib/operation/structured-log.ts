import type { LogFields } from './operation-log.js';

export type LogLevel = 'log' | 'debug' | 'warn' | 'error';

type Write = (...parts: unknown[]) => void;

/** Writes one line with fields beside its text. */
export type FieldsWriter = (
  level: LogLevel,
  text: string,
  fields: LogFields,
  stack: string | undefined,
) => void;

/**
 * How a logger takes fields, if it is known to: Nest's `ConsoleLogger` with `json`, and the loggers
 * of `nestjs-pino`. It is asked for each line: the logger of an application may still be replaced.
 *
 * @returns `undefined` for every other logger, which gets the text only
 */
export function fieldsWriterOf(logger: object): FieldsWriter | undefined {
  // Nest's `Logger` passes everything on to the logger of the application.
  const target = objectIn(logger, 'localInstance') ?? logger;
  const pino = pinoLoggerOf(target);
  if (pino !== undefined) {
    return pinoWriter(pino, textIn(target, 'contextName') ?? 'context', textIn(logger, 'context'));
  }
  return writesJson(target) ? nestWriter(logger) : undefined;
}

/**
 * Only where the logger keeps an object beside the message on the same line: Nest 11 makes it a
 * line of its own.
 */
function writesJson(target: object): boolean {
  const options = objectIn(target, 'options') as
    { readonly json?: unknown; readonly structuredParams?: unknown } | undefined;
  return (
    options?.json === true &&
    options.structuredParams !== false &&
    has(target, 'printAsJson') &&
    has(target, 'stringifyParams')
  );
}

function nestWriter(logger: object): FieldsWriter {
  return (level, text, fields, stack) => {
    if (stack === undefined) call(logger, level, text, fields);
    else call(logger, level, text, fields, stack);
  };
}

/** The `PinoLogger` in one of the loggers of `nestjs-pino`, or that logger itself. */
function pinoLoggerOf(target: object): object | undefined {
  return [target, objectIn(target, 'logger')].find((each) => each !== undefined && isPino(each));
}

function isPino(logger: object): boolean {
  const inner = objectIn(logger, 'logger');
  return has(logger, 'info') && has(logger, 'trace') && inner !== undefined && has(inner, 'child');
}

/** Fields first: `PinoLogger` merges them, whichever key the application gives to the message. */
function pinoWriter(pino: object, contextKey: string, context: string | undefined): FieldsWriter {
  return (level, text, fields, stack) => {
    call(
      pino,
      level === 'log' ? 'info' : level,
      {
        ...(context === undefined ? undefined : { [contextKey]: context }),
        ...fields,
        ...(stack === undefined ? undefined : { err: failure(text, stack) }),
      },
      text,
    );
  };
}

/** As `nestjs-pino` shows the failures that Nest logs. */
function failure(text: string, stack: string): Error {
  const error = new Error(text);
  error.stack = stack;
  return error;
}

function objectIn(holder: object, key: string): object | undefined {
  const value = (holder as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'object' && value !== null ? value : undefined;
}

function textIn(holder: object, key: string): string | undefined {
  const value = (holder as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' ? value : undefined;
}

function has(holder: object, method: string): boolean {
  return typeof (holder as Readonly<Record<string, unknown>>)[method] === 'function';
}

function call(holder: object, method: string, ...parts: unknown[]): void {
  (holder as Readonly<Record<string, Write>>)[method]?.(...parts);
}
