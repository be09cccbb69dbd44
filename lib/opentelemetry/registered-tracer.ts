import type { Tracer, TracerProvider } from '@opentelemetry/api';
import { type Api, INSTRUMENTATION } from './api.js';

/** The tracer of the SDK, if there is one: it may be registered, and taken back, at any time. */
export class RegisteredTracer {
  private readonly none: TracerProvider;
  private provider: TracerProvider;
  /** `undefined`: nobody wants spans. */
  tracer: Tracer | undefined = undefined;

  constructor(private readonly api: Api) {
    // The API hands out a proxy, which leads here while no SDK is registered.
    this.provider = this.none = new api.ProxyTracerProvider().getDelegate();
  }

  look(): void {
    const proxy = this.api.trace.getTracerProvider() as TracerProvider & {
      getDelegate?(): TracerProvider;
    };
    const provider = proxy.getDelegate?.() ?? proxy;
    if (provider === this.provider) return;
    this.provider = provider;
    this.tracer = provider === this.none ? undefined : provider.getTracer(INSTRUMENTATION);
  }
}
