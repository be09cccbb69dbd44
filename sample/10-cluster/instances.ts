import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

const NAMES = ['one', 'two', 'three'];
const FILE = new URL('./instance.js', import.meta.url);

/** Milliseconds that an instance has for its shutdown. */
const PATIENCE = 10_000;

/** An instance in a process of its own. */
interface Running {
  readonly child: ChildProcess;
  /** Known once it listens. */
  port?: number;
}

/** What is known of an instance from outside. */
export interface InstanceProcess {
  readonly name: string;
  /** Undefined when it does not run. */
  readonly pid: number | undefined;
}

/** The processes of the three instances. */
export class Instances {
  private readonly running = new Map<string, Running>();
  private env: NodeJS.ProcessEnv = process.env;
  private turn = 0;

  async startAll(env: Readonly<Record<string, string>>): Promise<void> {
    this.env = { ...process.env, ...env };
    await Promise.all(NAMES.map((name) => this.start(name)));
  }

  /** Resolves when it listens; at once if it runs already. */
  async start(name: string): Promise<void> {
    if (this.running.has(name)) return;
    // In a group of its own: Ctrl-C in a terminal reaches this process, which tells it.
    const child = fork(FILE, { env: { ...this.env, INSTANCE: name }, detached: true });
    const instance: Running = { child };
    this.running.set(name, instance);
    child.once('exit', () => this.running.delete(name));
    const ended = once(child, 'exit').then(() => {
      throw new Error(`Instance ${name} ended before it listened`);
    });
    const [port] = await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => {});
    instance.port = port as number;
  }

  /** As a crash does it: nothing runs in it any more, and it tells nobody. */
  async kill(name: string): Promise<void> {
    const instance = this.running.get(name);
    if (instance === undefined) return;
    delete instance.port;
    instance.child.kill('SIGKILL');
    await once(instance.child, 'exit');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running.values()].map(({ child }) => stopProcess(child)));
  }

  has(name: string): boolean {
    return NAMES.includes(name);
  }

  list(): InstanceProcess[] {
    return NAMES.map((name) => ({ name, pid: this.running.get(name)?.child.pid }));
  }

  /** @returns the port of the one that is named, or of the next that listens */
  portOf(name: string | undefined): number | undefined {
    if (name !== undefined) return this.running.get(name)?.port;
    const ports = NAMES.flatMap((each) => this.running.get(each)?.port ?? []);
    return ports[this.turn++ % ports.length];
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  child.kill('SIGTERM');
  await once(child, 'exit');
  clearTimeout(timer);
}
