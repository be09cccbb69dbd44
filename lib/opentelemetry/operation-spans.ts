import type { Context } from '@opentelemetry/api';
import type { OperationState } from '../operation/operation-state.js';
import { ALL } from '../registry/operation-filter.js';
import type { OperationMoment } from '../registry/operation-events.js';
import type { OperationStore } from '../registry/operation-store.js';
import { undoing } from '../scope/shared-method.js';
import type { Ignores } from '../telemetry/ignored-operations.js';
import { observeSafely, type OnFailure, safely } from '../telemetry/observe-safely.js';
import type { Api } from './api.js';
import { RegisteredTracer } from './registered-tracer.js';
import { addCancel, describeEnd, samplingAttributes, startAttributes } from './span-facts.js';
import { SuspendedSpans } from './suspended-spans.js';
import {
  carrySpans,
  forgetSpan,
  isInside,
  keepSpan,
  type OperationSpan,
  spanOf,
  useSpans,
} from './span-contexts.js';

/** The spans of one application. */
export class OperationSpans {
  private readonly sdk: RegisteredTracer;
  /** Until there is a span, nothing is observed. */
  private stopObserving: (() => void) | undefined = undefined;
  private readonly release: () => void;
  private readonly suspended: SuspendedSpans;

  constructor(
    private readonly api: Api,
    private readonly store: OperationStore,
    private readonly ignores: Ignores,
    private readonly onFailure: OnFailure,
  ) {
    this.sdk = new RegisteredTracer(api);
    this.release = useSpans(store);
    this.suspended = new SuspendedSpans(onFailure);
  }

  /** Looks whether an SDK has come, or gone. */
  look(): void {
    this.sdk.look();
    if (this.sdk.tracer !== undefined) carrySpans(this.api);
  }

  started(state: OperationState): void {
    const { tracer } = this.sdk;
    if (tracer === undefined || this.ignores(state)) return;
    const parent = this.parentContext(state);
    const span = tracer.startSpan(state.name, { attributes: samplingAttributes(state) }, parent);
    if (span.isRecording()) span.setAttributes(startAttributes(state));
    keepSpan(this.api, state, span, parent);
    this.stopObserving ??= this.observe();
  }

  private observe(): () => void {
    const { store, onFailure } = this;
    const tell = (type: OperationMoment, of: (state: OperationState) => void) =>
      observeSafely(store.events, type, of, onFailure);
    return undoing([
      tell('canceled', (state) => this.canceled(state)),
      tell('zombie', (state) => void spanOf(state)?.span.addEvent('cancelable.zombie')),
      tell('suspended', (state) => this.suspend(state)),
      tell('resumed', (state) => this.resume(state)),
      tell('settled', (state) => this.settled(state)),
    ]);
  }

  /** Ends the spans that are open. */
  end(): void {
    this.stopObserving?.();
    const settle = safely((state: OperationState) => this.settled(state), this.onFailure);
    for (const state of this.store.list(ALL)) settle(state);
    this.suspended.endAll();
    this.release();
  }

  /**
   * Where it was begun, or where its call came in, unless that is not inside of the operation above it.
   */
  private parentContext(state: OperationState): Context {
    const captured = state.cell.captured as Context | undefined;
    const active = captured ?? this.api.context.active();
    const above = nearestSpan(state.parentOperation);
    return above === undefined || isInside(active, above) ? active : above.context;
  }

  private canceled(state: OperationState): void {
    const span = spanOf(state)?.span;
    if (span?.isRecording() === true) addCancel(this.api, span, state);
  }

  private suspend(state: OperationState): void {
    const span = spanOf(state)?.span;
    if (span?.isRecording() === true) this.suspended.add(state, span);
  }

  private resume(state: OperationState): void {
    const span = spanOf(state)?.span;
    if (span !== undefined) this.suspended.delete(span);
  }

  private settled(state: OperationState): void {
    const span = spanOf(state)?.span;
    if (span === undefined) return;
    forgetSpan(state);
    try {
      if (span.isRecording()) describeEnd(this.api, span, state);
    } finally {
      span.end();
    }
  }
}

/** That of the operation itself, or of the next one above it that is not ignored. */
function nearestSpan(state: OperationState | undefined): OperationSpan | undefined {
  for (let up = state; up !== undefined; up = up.parentOperation) {
    const kept = spanOf(up);
    if (kept !== undefined) return kept;
  }
  return undefined;
}
