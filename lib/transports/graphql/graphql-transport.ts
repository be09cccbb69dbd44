import type { Transport } from '../transport.js';
import { earlyGraphqlErrors } from './early-graphql-errors.js';
import { GraphqlCall } from './graphql-call.js';
import { loadGraphqlErrors } from './graphql-errors.js';
import { GraphqlPlan } from './graphql-plan.js';

export const graphqlTransport: Transport<GraphqlPlan> = {
  prepare: loadGraphqlErrors,
  createPlan: (runtime, defaults, name, handler, host) =>
    new GraphqlPlan(runtime, defaults, name, handler, host),
  createCall: (calls, plan, context) => new GraphqlCall(calls, plan, context),
  early: earlyGraphqlErrors,
};
