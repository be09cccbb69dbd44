import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cancelable } from 'nestjs-cancelable';
import { startContext } from '../support/app-context.js';

describe('an application with GraphQL that has no server of its own', () => {
  it('starts without a server and without a schema', async () => {
    /** As Nest's, in a gateway. */
    class GraphQLSchemaHost {
      get schema(): never {
        throw new Error('GraphQL schema has not yet been created');
      }
    }
    @Injectable()
    class Service {
      @Cancelable()
      async work() {
        return 'done';
      }
    }
    const { app } = await startContext({ providers: [GraphQLSchemaHost, Service] });
    await app.init();
    expect(await app.get(Service).work()).toBe('done');
  });
});
