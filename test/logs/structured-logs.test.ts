import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { OperationRegistry } from 'nestjs-cancelable';
import { SafeLog } from '../../lib/operation/safe-log.js';
import { compiled } from '../support/plain-node.js';

/** What the application of the fixture writes with a logger: each line, whole. */
async function linesWith(logger: string): Promise<string[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    compiled(new URL('logs.fixture.ts', import.meta.url)),
    logger,
  ]);
  return [...stdout.split('\n'), ...stderr.split('\n')].filter((line) => line !== '');
}

type Entry = Readonly<Record<string, unknown>>;

async function entriesWith(logger: string): Promise<Entry[]> {
  return (await linesWith(logger)).map((line) => JSON.parse(line) as Entry);
}

const ID = /^[a-z\d]{8}-[\w-]+$/;
const ZOMBIE = /^rows is still running 20ms after it was canceled \(parent \(/;
const STRAGGLER = /^Shutdown: rows is left behind: /;
const FAILURE = 'import \\u202e failed: Error: no such file';

/** The fields of the two lines about the operation that does not stop. */
const canceled = {
  operation: 'rows',
  operationId: expect.stringMatching(ID),
  reason: 'parent',
  rootCause: 'manual',
};

describe("Nest's ConsoleLogger with json", () => {
  it('has the fields of an operation as params', async () => {
    const entries = await entriesWith('json');
    const from = (level: string) =>
      entries.filter((entry) => entry.context === 'Cancelable' && entry.level === level);
    const [zombie, straggler, ...others] = from('warn');
    expect(zombie).toMatchObject({ message: expect.stringMatching(ZOMBIE), params: canceled });
    expect(straggler).toMatchObject({ message: expect.stringMatching(STRAGGLER) });
    expect(straggler?.params).toEqual(zombie?.params);
    expect(others).toEqual([]);
    expect(from('error')).toEqual([
      expect.objectContaining({
        message: FAILURE,
        stack: expect.stringMatching(/^Error: no such file\n {4}at .*logs\.fixture/),
        params: { operation: 'import \\u202e', operationId: 'import-1' },
      }),
    ]);
    expect(from('log').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Shutdown: 1 operation is running: rows\./),
      expect.stringMatching(/^Shutdown: goes on after .*, though 1 operation is still running\.$/),
    ]);
  });

  it('has them beside the message, with flattenParams', async () => {
    const entries = await entriesWith('flat');
    expect(entries.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({ message: expect.stringMatching(ZOMBIE), ...canceled }),
      expect.objectContaining({ message: expect.stringMatching(STRAGGLER), ...canceled }),
    ]);
  });

  it('has the text alone where it makes no fields of params', async () => {
    const entries = await entriesWith('unstructured');
    const warnings = entries.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(2);
    expect(warnings.map(Object.keys)).toEqual(
      warnings.map(() => ['level', 'pid', 'timestamp', 'message', 'context']),
    );
  });

  it('has the id of the current operation in each line, with the subclass of the documentation', async () => {
    const entries = await entriesWith('json-with-id');
    const [building] = entries.filter(({ message }) => message === 'building');
    expect(building?.operationId).toMatch(ID);
    // Of the operation that it is about, which is not the current one.
    const [zombie] = entries.filter(({ level }) => level === 'warn');
    expect(zombie).toMatchObject(canceled);
    expect(zombie?.operationId).not.toBe(building?.operationId);
    const [started] = entries.filter(({ context }) => context === 'NestApplication');
    expect(started).not.toHaveProperty('operationId');
  });
});

describe("Nest's ConsoleLogger without json", () => {
  it('has the text alone', async () => {
    const lines = await linesWith('text');
    const [zombie] = lines.filter((line) => line.includes('rows is still running'));
    expect(zombie).toMatch(/WARN \[Cancelable\] rows is still .* in its loops\.$/);
    expect(lines.join('\n')).not.toMatch(/rootCause|import-1/);
  });

  it('has the id of the current operation in each line, with the subclass of the documentation', async () => {
    const lines = await linesWith('text-with-id');
    const [building] = lines.filter((line) => line.includes('building'));
    expect(building).toMatch(/LOG \[Reports [a-z\d]{8}-[\w-]+\] building$/);
  });
});

describe('nestjs-pino', () => {
  const WARN = 40;
  const ERROR = 50;

  it.each([
    ['pino', 'context', 'msg'],
    ['pino-native', 'context', 'msg'],
    ['pino-keys', 'where', 'message'],
  ])('has the fields of an operation in the line (%s)', async (logger, context, message) => {
    const entries = await entriesWith(logger);
    const ours = entries.filter((entry) => entry[context] === 'Cancelable');
    const [zombie, straggler, ...others] = ours.filter(({ level }) => level === WARN);
    expect(zombie).toMatchObject({ [message]: expect.stringMatching(ZOMBIE), ...canceled });
    expect(straggler).toMatchObject({ [message]: expect.stringMatching(STRAGGLER), ...canceled });
    expect(others).toEqual([]);
    expect(ours.filter(({ level }) => level === ERROR)).toEqual([
      expect.objectContaining({
        [message]: FAILURE,
        operation: 'import \\u202e',
        operationId: 'import-1',
        err: expect.objectContaining({
          type: 'Error',
          stack: expect.stringMatching(/^Error: no such file\n {4}at .*logs\.fixture/),
        }),
      }),
    ]);
    // Of a registry that is not the application's, with a PinoLogger.
    expect(entries).toContainEqual(
      expect.objectContaining({ operation: 'own', [message]: 'own failed: Error: no such file' }),
    );
  });

  it('has the id of the current operation in each line, with the mixin of the documentation', async () => {
    const entries = await entriesWith('pino');
    const [building] = entries.filter(({ msg }) => msg === 'building');
    expect(building).toMatchObject({ context: 'Reports', req: { url: '/reports/Bonn' } });
    expect(building?.operationId).toMatch(ID);
    const [started] = entries.filter(({ context }) => context === 'NestApplication');
    expect(started).not.toHaveProperty('operationId');
  });
});

describe('a logger that is given to a registry', () => {
  /** What the methods of a logger are called with, beside those that a test gives it. */
  class Recorder {
    readonly lines: unknown[][] = [];
    private readonly add = (...parts: unknown[]) => void this.lines.push(parts);
    readonly debug = this.add;
    readonly warn = this.add;
    readonly error = (...parts: unknown[]) =>
      this.add(...parts.filter((part) => !String(part).includes('\n    at ')));
  }

  async function failLate(logger: Recorder): Promise<void> {
    const registry = new OperationRegistry({ logger });
    await registry.spawn('import', () => Promise.reject(new Error('x'))).result.catch(() => {});
  }

  const nothing = () => {};

  it('has fields if it is like a PinoLogger, also at the level that Nest calls log', async () => {
    const logger = new Recorder();
    const pino = Object.assign(logger, { logger: { child: nothing }, trace: nothing });
    const like = Object.assign(pino, { info: logger.debug });
    await failLate(like);
    SafeLog.over(like).log('canceled 3 operations', { name: 'import', count: 3 });
    expect(logger.lines).toEqual([
      [expect.objectContaining({ operation: 'import' }), 'import failed: Error: x'],
      [{ operation: 'import', count: 3 }, 'canceled 3 operations'],
    ]);
  });

  it.each<[string, object]>([
    // Version 11 of Nest writes an object as a line of its own.
    ['makes JSON and knows no params', { options: { json: true }, printAsJson: nothing }],
    ['is of another kind', { options: { json: true }, stringifyParams: nothing }],
    ['has such an inner logger as winston', { logger: { child: nothing } }],
    ['has half of the methods', { logger: { child: nothing }, info: nothing }],
    ['has another inner logger', { logger: {}, info: nothing, trace: nothing }],
    ['has no inner logger', { info: nothing, trace: nothing }],
  ])('has the text alone if it %s', async (_, members) => {
    const logger = Object.assign(new Recorder(), members);
    await failLate(logger);
    expect(logger.lines).toEqual([['import failed: Error: x']]);
  });
});
