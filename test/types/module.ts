// Not run: what compiles here is promised, and every line below a @ts-expect-error must not.
import { Injectable, Module } from '@nestjs/common';
import {
  CancelableModule,
  type CancelableModuleOptions,
  type CancelableOptionsFactory,
  type CancelationError,
  isCancelation,
  OperationRegistry,
  type OperationSnapshot,
} from 'nestjs-cancelable';

@Injectable()
export class Configuration implements CancelableOptionsFactory {
  createCancelableOptions(): CancelableModuleOptions {
    return { defaultTimeout: '30s', http: { statusCodes: { timeout: 408 }, idHeader: 'X-Id' } };
  }
}

@Module({
  imports: [
    CancelableModule.forRoot(),
    CancelableModule.forRoot({
      defaultTimeout: 30_000,
      policies: { slow: { timeout: (pages: number) => pages * 100 } },
      request: (context) => ({ metadata: { type: context.getType() }, timeout: false }),
      history: { limit: 10, maxAge: '1h' },
      zombies: { after: '5s' },
      maxLive: 1_000,
      extensions: [{ name: 'own', install: ({ registry }) => void registry.list() }],
    }),
    CancelableModule.forRootAsync({ useClass: Configuration }),
    CancelableModule.forRootAsync({ useExisting: Configuration }),
    CancelableModule.forRootAsync({
      inject: [Configuration],
      useFactory: async (configuration: Configuration) => configuration.createCancelableOptions(),
    }),
  ],
})
export class AppModule {}

// @ts-expect-error -- there is no such option
CancelableModule.forRoot({ timeout: '30s' });
// @ts-expect-error -- there is no such reason
CancelableModule.forRoot({ http: { statusCodes: { late: 504 } } });
// @ts-expect-error -- a policy is made of the options of @Cancelable()
CancelableModule.forRoot({ policies: { slow: { retries: 3 } } });
// @ts-expect-error -- the class has no createCancelableOptions()
CancelableModule.forRootAsync({ useClass: AppModule });
// @ts-expect-error -- an extension has a name
CancelableModule.forRoot({ extensions: [{ install: () => {} }] });

export async function uses(operations: OperationRegistry): Promise<CancelationError | undefined> {
  const length: number = await operations.run('task', (operation) => operation.name.length);
  const rows: number[] = await operations.run({ name: 'rows' }, async () => [length]);
  const found: OperationSnapshot | undefined = operations.find(String(rows));
  // @ts-expect-error -- it needs to be told which
  operations.cancelAll();
  // @ts-expect-error -- there is no such key
  operations.list({ nmae: 'task' });
  // @ts-expect-error -- the value is a number
  const text: string = await operations.run('task', () => 1);
  const error: unknown = [found, text];
  return isCancelation(error) ? error : undefined;
}
