import { Interruption } from '../operation/interruption.js';
import { boundTo } from '../scope/context-storage.js';
import { noop } from '../scope/thenable.js';
import type { Command } from './mysql2-library.js';

/**
 * Lets a command call its caller where that was: the library calls from the context of whoever
 * opened the connection.
 */
export function callInContext(command: Command, cell: object | undefined): void {
  const { onResult } = command;
  if (onResult !== undefined) command.onResult = boundTo(cell, onResult);
  command.emit = boundTo(cell, command.emit.bind(command));
}

/**
 * An interruption ends no process: without a listener for errors, the rows simply stop. Whatever
 * else fails without a listener is thrown, as always.
 */
export function letEventsStop(command: Command): void {
  const emit = command.emit.bind(command);
  const stream = command.stream?.bind(command);
  command.emit = (name: string | symbol, ...args: unknown[]) => {
    const isUnheard = args[0] instanceof Interruption && command.listenerCount('error') === 0;
    return name === 'error' && isUnheard ? false : emit(name, ...args);
  };
  if (stream === undefined) return;
  command.stream = (options) => {
    const made = stream(options);
    const destroy = made.destroy.bind(made);
    made.destroy = (error) => {
      if (error instanceof Interruption) made.on('error', noop);
      return destroy(error);
    };
    return made;
  };
}
