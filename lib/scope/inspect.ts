/** How `console.log` and `util.inspect` ask an object what to show; Node's own name. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** The arguments that Node calls with: the levels that are left, its options, itself. */
export type InspectCall = readonly [
  depth: number,
  options: { readonly stylize?: (text: string, style: string) => string },
  inspect?: (value: unknown, options: object) => string,
];

/** The facts of an object behind its class, as Node shows plain objects. */
export function inspectAs(
  self: object,
  facts: () => object,
  ...[depth, options, inspect]: InspectCall
): string {
  const { name } = self.constructor;
  if (depth < 0 || inspect === undefined) {
    return options.stylize?.(`[${name}]`, 'special') ?? `[${name}]`;
  }
  return `${name} ${inspect(facts(), options)}`;
}
