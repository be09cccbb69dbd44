import type { Attributes, Span } from '@opentelemetry/api';
import { causesOf } from '../operation/cause-snapshots.js';
import type { OperationState } from '../operation/operation-state.js';
import type { CancelRecord } from '../scope/cancel-record.js';
import { describeError } from '../scope/describe-error.js';
import { memberOf } from '../scope/plain-object.js';
import { LABELS } from '../telemetry/metrics.js';
import type { Api } from './api.js';

const ID = 'cancelable.operation.id';

/** What a sampler may decide by: it is made for each operation, sampled or not. */
export function samplingAttributes({ plan }: OperationState): Attributes {
  return { [LABELS.name]: plan.name, [LABELS.kind]: plan.kind };
}

/** What else is known at the begin. An id is only made for a span that somebody will see. */
export function startAttributes({ id, tags }: OperationState): Attributes {
  return {
    [ID]: id,
    ...(tags === undefined ? undefined : { 'cancelable.operation.tags': [...tags] }),
  };
}

/**
 * The cancel as an event: why, on whose request, and what was at the bottom of it. By the conventions
 * a span is in error if what it stands for has failed: a cancel is what somebody wanted, unless it is
 * a timeout.
 */
export function addCancel(api: Api, span: Span, state: OperationState): void {
  const { reason, text, requestedBy } = state.record as CancelRecord;
  const causes = causesOf(state.record as CancelRecord);
  const root = causes.at(-1);
  span.setAttribute(LABELS.reason, reason);
  if (reason === 'timeout') {
    span.setAttribute('error.type', 'timeout');
    span.setStatus({ code: api.SpanStatusCode.ERROR, message: text });
  }
  span.addEvent('cancelable.cancel', {
    [LABELS.reason]: reason,
    'cancelable.message': text,
    'cancelable.root_cause': root?.message ?? text,
    'cancelable.root_cause.reason': root === undefined ? reason : root.reason,
    'cancelable.root_cause.operation.name': root?.operationName,
    'cancelable.requested_by': requestedBy ?? root?.requestedBy,
  });
}

/** The outcome, or how far it came: it may outlive its application. */
export function describeEnd(api: Api, span: Span, state: OperationState): void {
  const { status, cause, zombie, returned } = state;
  span.setAttributes({
    // A handler may have given it another one.
    [ID]: state.id,
    [LABELS.status]: status,
    ...(zombie ? { 'cancelable.zombie': true } : undefined),
    ...(returned ? { 'cancelable.returned': true } : undefined),
    ...(state.extras?.overran === true ? { 'cancelable.overran': true } : undefined),
  });
  if (status === 'failed') recordFailure(api, span, state, cause);
}

function recordFailure(api: Api, span: Span, state: OperationState, error: unknown): void {
  const message = describeError(error);
  // What a client has done wrong is no failure of the server.
  if (state.kind !== 'http' || !isClientError(error)) {
    const name = error instanceof Error ? error.name : undefined;
    span.setAttribute('error.type', name ?? '_OTHER');
    span.setStatus({ code: api.SpanStatusCode.ERROR, message });
  }
  span.recordException(error instanceof Error ? error : message);
}

/** An `HttpException` below 500, of whichever copy of Nest. */
function isClientError(error: unknown): boolean {
  if (!(error instanceof Error) || typeof memberOf(error, 'getStatus') !== 'function') return false;
  const status: unknown = (error as Error & { getStatus(): unknown }).getStatus();
  return typeof status === 'number' && status < 500;
}
