import 'reflect-metadata';
import { Body, Controller, Get, Module, NotFoundException, Param, Post, Sse } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule } from 'nestjs-cancelable';
import { AnswersService } from './answers.service.js';
import { LanguageModel } from './language-model.js';

@Controller('answers')
class AnswersController {
  constructor(private readonly answers: AnswersService) {}

  @Post()
  begin(@Body() { prompt }: { prompt: string }) {
    return { id: this.answers.begin(prompt) };
  }

  /** Word by word, then why it ended. */
  @Sse(':id')
  watch(@Param('id') id: string) {
    return this.answers.watch(id);
  }

  @Get(':id/text')
  text(@Param('id') id: string) {
    const text = this.answers.text(id);
    if (text === undefined) throw new NotFoundException();
    return { text };
  }

  @Post(':id/pause')
  pause(@Param('id') id: string) {
    return { paused: this.answers.pause(id) };
  }

  @Post(':id/resume')
  resume(@Param('id') id: string) {
    const resumed = this.answers.resume(id);
    if (resumed === undefined) throw new NotFoundException();
    return { id: resumed };
  }
}

@Module({
  imports: [CancelableModule.forRoot()],
  controllers: [AnswersController],
  providers: [AnswersService, LanguageModel],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT'] ?? 3000));
console.log(`Answers are at http://localhost:${new URL(await app.getUrl()).port}/answers`);
