import type { Context, Span } from '@opentelemetry/api';
import type { OperationState } from '../operation/operation-state.js';
import type { OperationStore } from '../registry/operation-store.js';
import { contextCarrier } from '../scope/context-carrier.js';
import type { Scope } from '../scope/scope.js';
import type { Api } from './api.js';

/** An operation's span, and the context in which it is active. */
export interface OperationSpan {
  readonly span: Span;
  readonly context: Context;
}

/** The spans of all applications of the process. */
const spans = new WeakMap<Scope, OperationSpan>();
const users = new Set<OperationStore>();

/** In a context: the span of the operation that it belongs to. */
let key: symbol | undefined;

export function spanOf(state: OperationState): OperationSpan | undefined {
  return spans.get(state);
}

/** Whether a context belongs to this very operation, in a span of the user's below it perhaps. */
export function isInside(context: Context, { span }: OperationSpan): boolean {
  return key !== undefined && context.getValue(key) === span;
}

/** Makes a span active wherever the context of its operation is entered. */
export function keepSpan(api: Api, state: OperationState, span: Span, parent: Context): void {
  key ??= api.createContextKey('nestjs-cancelable operation');
  const context = api.trace.setSpan(parent, span).setValue(key, span);
  spans.set(state, { span, context });
}

/** It has ended: the history may keep the operation for long, and must not keep its span. */
export function forgetSpan(state: OperationState): void {
  spans.delete(state);
}

/** Whether the operations of an application have spans already. */
export function hasSpans(store: OperationStore): boolean {
  return users.has(store);
}

/** There is a tracer: from now on, spans are active wherever contexts are entered. */
export function carrySpans(api: Api): void {
  contextCarrier.enter ??= (scope, call) => enter(api, scope, call);
  contextCarrier.capture ??= () => api.context.active();
}

/** @returns takes it back, as {@link carrySpans} */
export function useSpans(store: OperationStore): () => void {
  users.add(store);
  return () => {
    users.delete(store);
    if (users.size === 0) contextCarrier.enter = contextCarrier.capture = undefined;
  };
}

function enter<Result>(api: Api, scope: Scope, call: () => Result): Result {
  const operation = scope.operation();
  const kept = operation === undefined ? undefined : spans.get(operation);
  // A span that the user has opened below it stays the active one.
  if (kept === undefined || isInside(api.context.active(), kept)) return call();
  return api.context.with(kept.context, call);
}
