import 'reflect-metadata';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { FlagsClient } from './flags.client.js';
import { onFile } from './on-file.js';
import { onHttpPoll } from './on-http-poll.js';

const stopFile = join(await mkdtemp(join(tmpdir(), 'custom-sources-')), 'stop');

const sources = [onFile(stopFile), onHttpPoll('stop', '50ms')];

@Controller()
class WorkController {
  private readonly flags = new Set<string>();

  constructor(private readonly operations: OperationRegistry) {}

  @Post('work')
  start() {
    const work = this.operations.spawn({ name: 'work', sources }, (operation) =>
      operation.sleep('1h'),
    );
    return { id: work.id };
  }

  /** What ended, and why. */
  @Get('work')
  async ended() {
    await this.operations.whenIdle({ name: 'work' });
    return this.operations.history({ name: 'work' });
  }

  @Post('file')
  async write() {
    await writeFile(stopFile, 'stop');
    return { written: stopFile };
  }

  @Get('flags/:flag')
  flag(@Param('flag') flag: string) {
    return { set: this.flags.has(flag) };
  }

  @Post('flags/:flag')
  set(@Param('flag') flag: string) {
    this.flags.add(flag);
    return { set: true };
  }
}

@Module({
  imports: [CancelableModule.forRoot()],
  controllers: [WorkController],
  providers: [FlagsClient],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn'] });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000));
const url = `http://localhost:${new URL(await app.getUrl()).port}`;
app.get(FlagsClient).url = url;
console.log(`Work is at ${url}/work`);
