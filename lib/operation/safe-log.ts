import { escapeControls } from '../scope/escape-controls.js';
import type { OperationLog } from './operation-host.js';

/** A log that also has Nest's level `log`. */
export interface InfoLog extends OperationLog {
  log(message: string): void;
}

/** A line that V8 writes below an error's message. */
const FRAME = /^\s+at \S/;

/**
 * Where every line of the library is written: what users give (names, ids, messages, errors) cannot
 * begin a line of its own, nor move a terminal's cursor.
 */
export class SafeLog implements InfoLog {
  private constructor(private readonly target: OperationLog & Partial<InfoLog>) {}

  static over(target: OperationLog & Partial<InfoLog>): SafeLog {
    return target instanceof SafeLog ? target : new SafeLog(target);
  }

  log(message: string): void {
    this.target.log?.(escapeControls(message));
  }

  debug(message: string): void {
    this.target.debug(escapeControls(message));
  }

  warn(message: string): void {
    this.target.warn(escapeControls(message));
  }

  error(message: string, stack?: string): void {
    if (stack === undefined) this.target.error(escapeControls(message));
    else this.target.error(escapeControls(message), safeStack(stack));
  }
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
