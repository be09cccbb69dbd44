import type { ExecutionContext } from '@nestjs/common';
import { type RequestOptions, socketId } from 'nestjs-cancelable';

export interface Question {
  /** Chosen by the client: how it names the question when it wants to stop the answer. */
  readonly id: string;
  readonly text: string;
}

/** Two clients may choose the same id. */
export function operationIdOf(client: string, question: string): string {
  return `${client}:${question}`;
}

/** Each message belongs to its client, and a question can be named. */
export function describeMessage(context: ExecutionContext): RequestOptions | undefined {
  if (context.getType() !== 'ws') return undefined;
  const message = context.switchToWs();
  const client = socketId(message.getClient<object>());
  const { id } = message.getData<Partial<Question>>();
  return {
    metadata: { client },
    ...(message.getPattern() === 'ask' ? { id: operationIdOf(client, String(id)) } : undefined),
  };
}
