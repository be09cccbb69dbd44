import { type LoggerService } from '@nestjs/common';

/** Nest's logger, kept to be read: what an application says while it is tested. */
export class NestLog implements LoggerService {
  readonly lines: { readonly level: string; readonly text: string }[] = [];

  log = (...message: unknown[]): void => this.add('log', message);
  error = (...message: unknown[]): void => this.add('error', message);
  warn = (...message: unknown[]): void => this.add('warn', message);
  debug = (...message: unknown[]): void => this.add('debug', message);
  verbose = (...message: unknown[]): void => this.add('verbose', message);
  fatal = (...message: unknown[]): void => this.add('fatal', message);

  /** The lines of a level that contain a text. */
  find(level: string, text = ''): string[] {
    return this.lines
      .filter((line) => line.level === level && line.text.includes(text))
      .map((line) => line.text);
  }

  private add(level: string, message: unknown[]): void {
    this.lines.push({ level, text: message.map(String).join(' ') });
  }
}
