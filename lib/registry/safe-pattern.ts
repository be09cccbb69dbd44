import ret, { type Root, type Token, types } from 'ret';

/** Its types describe the module that it was before it was packed. */
const tokenize = ret as unknown as (source: string) => Root;

/** Characters. */
const LONGEST_PATTERN = 200;
/** Each one multiplies the time of the worst case by the length of the name. */
const MOST_LONG_REPETITIONS = 2;
const MOST_REPETITIONS = 6;
/** A repetition of at most so many times is short. */
const SHORT = 10;

/**
 * Tells why a regular expression may take forever, or long, over some name: it comes from another
 * process, whose users may have written it. Stricter than need be: what it cannot read is refused.
 *
 * @returns `undefined`: it is safe
 */
export function dangerOf({ source }: RegExp): string | undefined {
  if (source.length > LONGEST_PATTERN) return `it is longer than ${LONGEST_PATTERN} characters`;
  let root;
  try {
    root = tokenize(source);
  } catch {
    return 'it has parts that cannot be checked';
  }
  const found = { long: 0, all: 0 };
  const danger = look(childrenOf(root), found, false);
  if (danger !== undefined) return danger;
  if (found.long > MOST_LONG_REPETITIONS) {
    return `it has more than ${MOST_LONG_REPETITIONS} of *, + and long {n,m}`;
  }
  return found.all > MOST_REPETITIONS
    ? `it has more than ${MOST_REPETITIONS} quantifiers`
    : undefined;
}

function look(
  tokens: readonly Token[],
  found: { long: number; all: number },
  isRepeated: boolean,
): string | undefined {
  for (const token of tokens) {
    const danger = lookAt(token, found, isRepeated);
    if (danger !== undefined) return danger;
  }
  return undefined;
}

function lookAt(
  token: Token,
  found: { long: number; all: number },
  isRepeated: boolean,
): string | undefined {
  if (token.type === types.REFERENCE) return 'it refers back to a group';
  if (token.type === types.REPETITION) {
    if (isRepeated) return 'it repeats what is repeated';
    found.all++;
    if (token.max > SHORT) found.long++;
    return look([token.value], found, token.max > 1);
  }
  if (token.type !== types.GROUP) return undefined;
  if (token.followedBy === true || token.notFollowedBy === true || token.lookBehind === true) {
    return 'it looks ahead or behind';
  }
  if (isRepeated && token.options !== undefined) return 'it repeats alternatives';
  return look(childrenOf(token), found, isRepeated);
}

function childrenOf({
  stack = [],
  options = [],
}: {
  readonly stack?: Token[];
  readonly options?: Token[][];
}): Token[] {
  return [...stack, ...options.flat()];
}
