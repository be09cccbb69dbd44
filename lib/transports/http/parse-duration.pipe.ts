import { BadRequestException, Injectable, Optional, type PipeTransform } from '@nestjs/common';
import { type Duration, formatDuration, parseDuration } from '../../scope/duration.js';
import { readBoolean, readOptions, readDuration } from '../../scope/validate.js';

/**
 * Options of `ParseDurationPipe`.
 *
 * @publicApi
 */
export interface ParseDurationOptions {
  /** Default: anything above 0. */
  readonly min?: Duration;
  /** Default: a year. */
  readonly max?: Duration;
  /** Whether the value may be left out: the parameter is `undefined` then. Default: false. */
  readonly optional?: boolean;
}

/**
 * Reads a duration that a client sent (`'30s'`, `'5m'`) into milliseconds, and answers 400 for what
 * is none, or outside of the limits. Pipes run before option functions, which get the number.
 *
 * @throws TypeError for options that are not possible
 * @example
 * \@Get()
 * \@Cancelable({ timeout: (wait?: number) => wait ?? '10s' })
 * build(@Query('wait', new ParseDurationPipe({ max: '1m', optional: true })) wait?: number) { … }
 * @publicApi
 */
@Injectable()
export class ParseDurationPipe implements PipeTransform<unknown, number | undefined> {
  private readonly min: number;
  private readonly max: number;
  private readonly optional: boolean;

  constructor(@Optional() options: ParseDurationOptions = {}) {
    const where = 'new ParseDurationPipe()';
    const {
      min,
      max,
      optional = false,
    } = readOptions(options, where, {
      min: readDuration,
      max: readDuration,
      optional: readBoolean,
    });
    this.min = min === undefined ? 0 : parseDuration(min, where);
    this.max = max === undefined ? Infinity : parseDuration(max, where);
    this.optional = optional;
  }

  /**
   * Reads a duration as milliseconds.
   *
   * @throws BadRequestException for what is no duration, or longer than `max`
   */
  transform(value: unknown): number | undefined {
    if (value === undefined && this.optional) return undefined;
    const milliseconds = read(value);
    if (milliseconds !== undefined && milliseconds >= this.min && milliseconds <= this.max) {
      return milliseconds;
    }
    throw new BadRequestException(`Validation failed (a duration is expected${this.limits()})`);
  }

  private limits(): string {
    const { min, max } = this;
    const least = min > 0 ? `, at least ${formatDuration(min)}` : '';
    return max === Infinity
      ? `${least}: '30s', '5m'`
      : `${least}, at most ${formatDuration(max)}: '30s', '5m'`;
  }
}

function read(value: unknown): number | undefined {
  try {
    return parseDuration(value, '');
  } catch {
    return undefined;
  }
}
