/**
 * The `AbortSignal` of the consumer's environment (Node's or the DOM's types); where neither is
 * loaded, the part of it that matters here.
 *
 * @publicApi
 */
export type Signal = typeof globalThis extends {
  AbortSignal: { prototype: infer Type };
}
  ? Type
  : StructuralAbortSignal;

/**
 * @publicApi
 */
export interface StructuralAbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
  throwIfAborted(): void;
}

/** The `AbortController` of the environment, as far as the declarations of this package need it. */
export type Controller = typeof globalThis extends {
  AbortController: { prototype: infer Type };
}
  ? Type
  : { readonly signal: Signal };
