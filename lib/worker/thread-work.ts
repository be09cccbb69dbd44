import { ThreadOperation } from './thread-operation.js';
import type { Envelope, ThreadReport } from './wire.js';
import { errorToWire } from './wire-errors.js';

/** What came of the work, on the side that did it. */
export type WorkResult = { readonly value: unknown } | ThreadReport;

/** Does what an envelope says, in its operation. Never rejects: the error is part of the report. */
export async function doWork(envelope: Envelope): Promise<WorkResult> {
  const { operation, flag, port } = envelope;
  const thread = operation && new ThreadOperation(operation, flag, port);
  try {
    const work = () => callExport(envelope);
    return { value: await (thread === undefined ? work() : thread.run(work)) };
  } catch (error) {
    return {
      type: 'failed',
      error: errorToWire(error),
      canceled: thread?.isOwn(error) ?? false,
    };
  } finally {
    thread?.close();
  }
}

/** Runs a file as the work itself: it ends when the thread does. */
export async function doFile({ operation, flag, port, file }: Envelope): Promise<void> {
  if (operation === undefined) {
    await import(file);
    return;
  }
  const thread = new ThreadOperation(operation, flag, port);
  process.once('exit', () => thread.close());
  // What still listens for the cancel does not keep the thread alive when the file has ended.
  port.unref();
  await thread.within(() => import(file));
}

async function callExport({ file, name, args }: Envelope): Promise<unknown> {
  const exported = (await import(file)) as Record<string, unknown>;
  const found = find(exported, name as string);
  if (typeof found !== 'function') {
    const known = Object.keys(exported).filter((key) => typeof exported[key] === 'function');
    throw new TypeError(
      `${file} exports no function '${String(name)}'. It exports: ${known.join(', ') || 'none'}.`,
    );
  }
  return (found as (...args: readonly unknown[]) => unknown)(...args);
}

/** The exports of a CommonJS module may stand below its default. */
function find(exported: Record<string, unknown>, name: string): unknown {
  const value = exported[name];
  if (typeof value === 'function') return value;
  const fallback = exported['default'] as Record<string, unknown> | undefined;
  return fallback?.[name];
}
