import { HttpException } from '@nestjs/common';
import type { CancelationError, CancelationReason } from '../../scope/cancelation-error.js';
import { isCancelation } from '../../scope/cancelation-error.js';
import { publicCode } from '../../operation/public-view.js';
import { PUBLIC_MESSAGES, publicErrorOf, publicReason, STATUS_CODES } from '../public-errors.js';

/**
 * What exception filters see of a cancelation. The response body carries `statusCode`, a `message`
 * that is fixed per reason, and `code` (`OPERATION_TIMEOUT`); `cause` is the CancelationError with
 * the whole story.
 *
 * @example
 * \@Catch(OperationCanceledException)
 * export class CanceledFilter implements ExceptionFilter {
 *   catch(exception: OperationCanceledException) { audit(exception.reason, exception.operationId);
 * }
 * }
 * @publicApi
 */
export class OperationCanceledException extends HttpException {
  /** The reason that decided the status: of a `parent`, that of its root cause. */
  readonly reason: CancelationReason;
  /** The id of the operation that was canceled. */
  readonly operationId: string | undefined;

  constructor(error: CancelationError, statusCode?: number) {
    const reason = publicReason(error);
    const status = statusCode ?? STATUS_CODES[reason];
    super(
      { statusCode: status, message: PUBLIC_MESSAGES[reason], code: publicCode(reason) },
      status,
      { cause: error },
    );
    this.reason = reason;
    this.operationId = error.operationId;
  }
}

/** Turns our own errors into what HTTP understands; anything else keeps its identity. */
export function toHttpError(
  error: unknown,
  statusCodes: Partial<Record<CancelationReason, number>>,
): unknown {
  if (isCancelation(error)) {
    return new OperationCanceledException(error, statusCodes[publicReason(error)]);
  }
  const known = publicErrorOf(error);
  if (known === undefined) return error;
  const { status, code, message } = known;
  return new HttpException({ statusCode: status, message, code }, status, { cause: error });
}
