import { Injectable } from '@nestjs/common';
import { type Operation, OperationRegistry, type ScopedRegistry } from 'nestjs-cancelable';
import { map } from 'rxjs';
import { LanguageModel } from './language-model.js';

export interface Answer {
  readonly prompt: string;
  readonly words: string[];
}

/** Answers grow word by word; each run of the model is an operation that can be paused. */
@Injectable()
export class AnswersService {
  private readonly answers = new Map<string, Answer>();

  private readonly operations: ScopedRegistry;

  constructor(
    private readonly model: LanguageModel,
    operations: OperationRegistry,
  ) {
    this.operations = operations.scoped({ name: 'answer' });
  }

  /** @returns the id of the run; the first one is the answer's too */
  begin(prompt: string): string {
    const answer: Answer = { prompt, words: [] };
    const operation = this.run(answer, 0);
    this.answers.set(operation.id, answer);
    return operation.id;
  }

  /** The user's pause: what was said so far stays. */
  pause(id: string): boolean {
    return this.operations.cancel(id, { message: 'paused by the user' });
  }

  /** Goes on from the exact position that the paused run has saved. */
  resume(id: string): string | undefined {
    const paused = this.operations.find(id);
    const answer = this.answers.get(id);
    if (paused?.status !== 'canceled' || answer === undefined) return undefined;
    const { position } = paused.partialResult as { position: number };
    const operation = this.run(answer, position);
    this.answers.set(operation.id, answer);
    return operation.id;
  }

  /** What anybody may know of the run, and the words so far. */
  watch(id: string) {
    const messages = this.operations.watch(id, { heartbeat: '15s' });
    return messages.pipe(
      map((message) => ({ ...message, data: { ...message.data, text: this.text(id) } })),
    );
  }

  text(id: string): string | undefined {
    return this.answers.get(id)?.words.join(' ');
  }

  private run(answer: Answer, position: number): Operation {
    return this.operations.spawn({ timeout: '1m' }, async (operation) => {
      operation.savePartial({ position });
      const words = this.model.complete(answer.prompt, position);
      for await (const word of operation.stream(words, { buffer: 0 })) {
        if (word === undefined) {
          // The model's own stop.
          operation.cancel({ reason: 'condition', message: 'the model said stop' });
          return;
        }
        answer.words[position++] = word;
        operation.savePartial({ position });
        operation.reportProgress({ current: position });
      }
    });
  }
}
