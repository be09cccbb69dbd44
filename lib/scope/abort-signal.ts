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
 * An AbortSignal by its shape, for projects without the types of Node or the DOM.
 *
 * @publicApi
 */
export interface StructuralAbortSignal {
  /** Whether it is aborted. */
  readonly aborted: boolean;
  /** What it was aborted with. */
  readonly reason: unknown;
  /** Adds a listener. */
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  /** Removes a listener. */
  removeEventListener(type: 'abort', listener: () => void): void;
  /** Throws its reason if it is aborted. */
  throwIfAborted(): void;
}

/** The `AbortController` of the environment, as far as the declarations of this package need it. */
export type Controller = typeof globalThis extends {
  AbortController: { prototype: infer Type };
}
  ? Type
  : { readonly signal: Signal };
