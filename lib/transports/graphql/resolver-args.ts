/** The part of GraphQL's resolve info that is used. */
export interface ResolverInfo {
  readonly fieldName?: string;
  readonly parentType?: { readonly name?: string };
  readonly operation?: { readonly operation?: string };
}

export interface ResolverArgs {
  readonly context: unknown;
  readonly info: ResolverInfo | undefined;
}

/** `(root, args, context, info)`; a federated reference resolver has no args. */
export function readResolverArgs(args: readonly unknown[]): ResolverArgs {
  const at = args.length === 3 ? 1 : 2;
  return { context: args[at], info: args[at + 1] as ResolverInfo | undefined };
}
