import type { Transport } from '../transport.js';
import { earlyGraphqlErrors } from './early-graphql-errors.js';
import { GraphqlCall } from './graphql-call.js';
import { graphqlClasses } from './graphql-errors.js';
import { GraphqlPlan } from './graphql-plan.js';

export const graphqlTransport: Transport<GraphqlPlan> = {
  prepare: graphqlClasses.load,
  planClass: () => GraphqlPlan,
  createCall: (calls, plan, context) => new GraphqlCall(calls, plan, context),
  early: earlyGraphqlErrors,
};
