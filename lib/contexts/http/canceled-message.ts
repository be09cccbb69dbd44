import type { CancelationError } from '../../core/cancelation-error.js';
import { PUBLIC_MESSAGES, publicCode, publicReason } from '../public-errors.js';

/** The last message of an SSE stream that was canceled. */
export function canceledMessage(error: CancelationError): { type: string; data: object } {
  const reason = publicReason(error);
  return {
    type: 'canceled',
    data: { code: publicCode(reason), message: PUBLIC_MESSAGES[reason] },
  };
}
