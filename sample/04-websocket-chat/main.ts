import 'reflect-metadata';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { ChatGateway } from './chat.gateway.js';
import { page } from './page.js';
import { describeMessage } from './question.js';

@Controller()
class PageController {
  constructor(private readonly operations: OperationRegistry) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page() {
    return page;
  }

  /** How the answers ended. */
  @Get('answers')
  async answers() {
    await this.operations.whenIdle({ name: 'ask' });
    return this.operations.history({ name: 'ask' });
  }
}

@Module({
  imports: [CancelableModule.forRoot({ request: describeMessage })],
  controllers: [PageController],
  providers: [ChatGateway],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000));
console.log(`The chat is at http://localhost:${new URL(await app.getUrl()).port}`);
