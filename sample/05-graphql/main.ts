import 'reflect-metadata';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { ReportsResolver } from './reports.resolver.js';
import { ReportsService } from './reports.service.js';

@Controller('operations')
class OperationsController {
  constructor(private readonly operations: OperationRegistry) {}

  /** What runs. */
  @Get()
  running() {
    return this.operations.tree();
  }

  /** How it ended. */
  @Get('history')
  async history() {
    await this.operations.whenIdle();
    return this.operations.history();
  }
}

@Module({
  imports: [
    CancelableModule.forRoot(),
    GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true }),
  ],
  controllers: [OperationsController],
  providers: [ReportsResolver, ReportsService],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000));
console.log(`GraphQL is at http://localhost:${new URL(await app.getUrl()).port}/graphql`);
