import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeAfterTest } from '../support/close-after-test.js';
import { freezeProcess } from '../support/freeze-process.js';
import { compiled } from '../support/plain-node.js';
import type { RunningServer } from '../support/servers.js';
import type { BusServer } from './buses.js';

/** What the process is told. */
export interface InstanceSettings {
  readonly bus: BusServer;
  readonly port: number;
  readonly service: string;
  readonly instance: string;
  readonly heartbeat: string;
}

interface StartOptions {
  /** Default: Redis. */
  readonly bus?: BusServer;
  /** How far ahead its clock is, in milliseconds. */
  readonly ahead?: number;
}

type Command = 'spawn' | 'status' | 'canceled' | 'progress' | 'now' | 'close';

interface Reply {
  readonly number: number;
  readonly value: unknown;
}

/** An instance of a service in a process of its own. */
export class RemoteInstance {
  private sent = 0;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(
    { port }: RunningServer,
    service: string,
    name: string,
    { bus = 'redis', ahead = 0 }: StartOptions = {},
  ): Promise<RemoteInstance> {
    const file = compiled(new URL('instance.fixture.ts', import.meta.url));
    const settings: InstanceSettings = { bus, port, service, instance: name, heartbeat: '200ms' };
    const clock = new URL('../support/clock-ahead.mjs', import.meta.url).href;
    const child = fork(file, [JSON.stringify(settings)], {
      env: { ...process.env, CLOCK_AHEAD: String(ahead) },
      execArgv: ['--import', clock],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const instance = new RemoteInstance(name, child);
    closeAfterTest(() => instance.kill());
    await once(child, 'message');
    return instance;
  }

  /** Has it do something. @returns what came of it */
  async do(command: Command, argument = ''): Promise<unknown> {
    const number = this.sent++;
    this.child.send({ number, command, argument });
    for (;;) {
      const [reply] = (await once(this.child, 'message')) as [Reply];
      if (reply.number === number) return reply.value;
    }
  }

  spawn(name: string): Promise<string> {
    return this.do('spawn', name) as Promise<string>;
  }

  freeze(): Promise<void> {
    return freezeProcess(this.child);
  }

  unfreeze(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
