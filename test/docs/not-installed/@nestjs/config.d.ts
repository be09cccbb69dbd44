import type { DynamicModule } from '@nestjs/common';

export declare class ConfigModule {
  static forRoot(options?: object): Promise<DynamicModule>;
}
export declare class ConfigService {
  get<Value>(key: string): Value | undefined;
  get<Value>(key: string, orElse: Value): Value;
  getOrThrow<Value>(key: string): Value;
}
