import { setCause } from '../../scope/cancelation-error.js';
import { PeerClasses } from '../peer-classes.js';
import { publicErrorOf } from '../public-errors.js';

/**
 * GraphQL's own error, as far as it is used here: the package is there only where resolvers are.
 */
type GraphqlErrorClass = new (
  message: string,
  options: { extensions: Record<string, unknown> },
) => Error;

export const graphqlClasses = new PeerClasses<{ GraphqlError: GraphqlErrorClass }>(async () => {
  const { GraphQLError } = await import('graphql');
  return { GraphqlError: GraphQLError };
});

/**
 * Turns our own errors into what GraphQL sends: a fixed message, and `extensions.code`. Servers
 * show stacks while they are developed; this one tells no more than the message. Anything else
 * keeps its identity.
 */
export function toGraphqlError(error: unknown): unknown {
  if (isGraphqlAnswer(error)) return error;
  const known = publicErrorOf(error);
  if (known === undefined) return error;
  const { message, code } = known;
  const { GraphqlError } = graphqlClasses.loaded;
  const extensions = { code };
  const answer =
    GraphqlError === undefined
      ? Object.assign(new Error(message), { extensions })
      : new GraphqlError(message, { extensions });
  answer.stack = `${answer.name}: ${message}`;
  setCause(answer, error);
  answers.add(answer);
  return answer;
}

const answers = new WeakSet<object>();

/** Whether this is what GraphQL sends of an error of ours. */
export function isGraphqlAnswer(error: unknown): boolean {
  return typeof error === 'object' && error !== null && answers.has(error);
}
