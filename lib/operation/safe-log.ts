import { escapeControls } from '../scope/escape-controls.js';
import { rootCause } from './causes.js';
import type { LogFields, LogSubject, OperationLog, SubjectLog } from './operation-log.js';
import { fieldsWriterOf, type LogLevel } from './structured-log.js';

/** A log that also has Nest's level `log`. */
export interface InfoLog extends SubjectLog {
  log(message: string, about?: LogSubject): void;
}

/** A line that V8 writes below an error's message. */
const FRAME = /^\s+at \S/;

/**
 * Where every line of the library is written: what users give (names, ids, messages, errors) cannot
 * begin a line of its own, nor move a terminal's cursor. A logger that has fields gets those of the
 * operation.
 */
export class SafeLog implements InfoLog {
  private constructor(private readonly target: OperationLog & Partial<InfoLog>) {}

  static over(target: OperationLog & Partial<InfoLog>): SafeLog {
    return target instanceof SafeLog ? target : new SafeLog(target);
  }

  log(message: string, about?: LogSubject): void {
    const text = escapeControls(message);
    if (!this.writeFields('log', text, about)) this.target.log?.(text);
  }

  debug(message: string, about?: LogSubject): void {
    const text = escapeControls(message);
    if (!this.writeFields('debug', text, about)) this.target.debug(text);
  }

  warn(message: string, about?: LogSubject): void {
    const text = escapeControls(message);
    if (!this.writeFields('warn', text, about)) this.target.warn(text);
  }

  error(message: string, stack?: string, about?: LogSubject): void {
    const text = escapeControls(message);
    const frames = stack === undefined ? undefined : safeStack(stack);
    if (this.writeFields('error', text, about, frames)) return;
    if (frames === undefined) this.target.error(text);
    else this.target.error(text, frames);
  }

  /** @returns whether the line is written */
  private writeFields(
    level: LogLevel,
    text: string,
    about: LogSubject | undefined,
    stack?: string,
  ): boolean {
    const write = about && fieldsWriterOf(this.target);
    if (about === undefined || write === undefined) return false;
    write(level, text, fieldsOf(about), stack);
    return true;
  }
}

/** Not every logger that has fields escapes what is in them, nor all of it. */
function fieldsOf(about: LogSubject): LogFields {
  const { name, id, reason, count, requestedBy, requestedFrom } = about;
  return {
    ...(name === undefined ? undefined : { operation: escapeControls(name) }),
    ...(id === undefined ? undefined : { operationId: escapeControls(id) }),
    ...(reason === undefined
      ? undefined
      : { reason, rootCause: rootCause(about.error?.())?.reason ?? reason }),
    ...(count === undefined ? undefined : { count }),
    ...(requestedBy === undefined ? undefined : { requestedBy: escapeControls(requestedBy) }),
    ...(requestedFrom === undefined ? undefined : { requestedFrom: escapeControls(requestedFrom) }),
  };
}

/** Only frames stand on lines of their own: the message above them may be of many. */
function safeStack(stack: string): string {
  const lines: string[] = [];
  for (const line of stack.split('\n')) {
    if (lines.length === 0 || FRAME.test(line)) lines.push(escapeControls(line));
    else lines.push(`${lines.pop()}\\n${escapeControls(line)}`);
  }
  return lines.join('\n');
}
