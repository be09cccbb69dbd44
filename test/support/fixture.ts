import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compiled } from './plain-node.js';

/**
 * Runs a TypeScript file in a Node process of its own: for what jest cannot hold, such as
 * unhandled rejections and garbage collection.
 *
 * @param options flags for Node
 * @returns what its last line of output says, as JSON
 */
export async function runFixture<Output>(file: URL, ...options: string[]): Promise<Output> {
  const { stdout } = await promisify(execFile)(process.execPath, [...options, compiled(file)]);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Output;
}
