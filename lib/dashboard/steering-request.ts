import {
  ForbiddenException,
  BadRequestException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { isRecord } from '../scope/plain-object.js';
import type { DashboardRequest } from './dashboard-options.js';
import { hostOf } from './host-guard.js';

const LONGEST_MESSAGE = 500;

/**
 * The body of a request that changes something. A page of another origin cannot send one: browsers
 * tell where a request comes from (`Sec-Fetch-Site`, https://www.w3.org/TR/fetch-metadata/, older ones
 * in `Origin`), and ask before they send JSON elsewhere.
 *
 * @throws ForbiddenException, UnsupportedMediaTypeException, BadRequestException
 */
export function readSteeringBody(request: DashboardRequest): Record<string, unknown> {
  const { headers } = request;
  const site = headers['sec-fetch-site'];
  if (site === undefined ? isForeign(headers['origin'], hostOf(headers)) : site !== 'same-origin') {
    throw new ForbiddenException('Only the dashboard itself may send this');
  }
  const type = String(headers['content-type']).split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new UnsupportedMediaTypeException('The content type has to be application/json');
  }
  const body = request['body'];
  if (!isRecord(body)) {
    throw new BadRequestException('The body has to be a JSON object; is bodyParser switched off?');
  }
  return body;
}

/** What is said of a cancel. @throws BadRequestException */
export function readMessage(message: unknown): string | undefined {
  if (message === undefined || message === '') return undefined;
  if (typeof message === 'string' && message.length <= LONGEST_MESSAGE) return message;
  throw new BadRequestException(
    `message has to be a text of ${LONGEST_MESSAGE} characters at most`,
  );
}

/** @throws BadRequestException for keys that do not exist */
export function allowOnly(body: Record<string, unknown>, ...allowed: readonly string[]): void {
  const other = Object.keys(body).find((key) => !allowed.includes(key));
  if (other === undefined) return;
  throw new BadRequestException(
    `There is no ${other.slice(0, 40)}. Allowed: ${allowed.join(', ') || 'nothing'}`,
  );
}

/** Programs send no Origin. */
function isForeign(origin: unknown, host: unknown): boolean {
  if (origin === undefined) return false;
  try {
    return new URL(String(origin)).host !== host;
  } catch {
    return true;
  }
}
