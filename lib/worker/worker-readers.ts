import { checkOptions, readAnything, readSpan, readText, refuse } from '../scope/validate.js';

/** How the options of threads, pools and processes are checked. */
type Readers = NonNullable<Parameters<typeof checkOptions>[2]>;

function readArray(value: unknown, where: string): void {
  if (!Array.isArray(value)) refuse(where, value, 'an array');
}

const GRACE: Readers = {
  grace: readSpan,
};

const WORKER: Readers = {
  execArgv: readArray,
  argv: readArray,
  env: readAnything,
  workerData: readAnything,
  resourceLimits: (value, where) =>
    checkOptions(value, where, {
      maxOldGenerationSizeMb: readAnything,
      maxYoungGenerationSizeMb: readAnything,
      codeRangeSizeMb: readAnything,
      stackSizeMb: readAnything,
    }),
  name: readText,
};

const CALL: Readers = { ...GRACE, name: readText, transfer: readArray };

export const FILE_READERS: Readers = {
  ...GRACE,
  worker: (value, where) => checkOptions(value, where, WORKER),
};

export const THREAD_READERS: Readers = { ...CALL, ...FILE_READERS, args: readArray };

export const POOL_READERS: Readers = {
  ...CALL,
  file: readAnything,
  whileQueued: (value, where) => {
    if (value !== 'count' && value !== 'pause') refuse(where, value, "'count', 'pause'");
  },
};

/** Piscina's own: it ignores what it does not know. */
export const PISCINA_READERS: Readers = Object.fromEntries(
  [
    'filename',
    'name',
    'minThreads',
    'maxThreads',
    'idleTimeout',
    'maxQueue',
    'concurrentTasksPerWorker',
    'atomics',
    'resourceLimits',
    'argv',
    'execArgv',
    'env',
    'workerData',
    'taskQueue',
    'niceIncrement',
    'trackUnmanagedFds',
    'closeTimeout',
    'recordTiming',
    'stricterFIFO',
    'loadBalancer',
    'workerHistogram',
  ].map((key) => [key, readAnything]),
);

export const PROCESS_READERS: Readers = {
  ...GRACE,
  cwd: readAnything,
  env: readAnything,
  stdio: readAnything,
  shell: readAnything,
  argv0: readAnything,
  uid: readAnything,
  gid: readAnything,
  serialization: readAnything,
  windowsHide: readAnything,
  windowsVerbatimArguments: readAnything,
};
