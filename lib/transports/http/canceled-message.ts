import type { CancelationError } from '../../scope/cancelation-error.js';
import { publicCode } from '../../operation/public-view.js';
import { PUBLIC_MESSAGES, publicReason } from '../public-errors.js';

/** The last message of an SSE stream that was canceled. */
export function canceledMessage(error: CancelationError): { type: string; data: object } {
  const reason = publicReason(error);
  return {
    type: 'canceled',
    data: { code: publicCode(reason), message: PUBLIC_MESSAGES[reason] },
  };
}
