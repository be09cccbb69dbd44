import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closeAfterTest } from '../support/close-after-test.js';

type Command = 'spawn' | 'status' | 'canceled' | 'list' | 'close';

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
    port: number,
    service: string,
    name: string,
    heartbeat = '200ms',
  ): Promise<RemoteInstance> {
    const file = fileURLToPath(new URL('instance.fixture.ts', import.meta.url));
    const settings = JSON.stringify({ port, service, instance: name, heartbeat });
    const child = fork(file, [settings], {
      execArgv: ['--import', new URL('../support/typescript.mjs', import.meta.url).href],
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

  freeze(): void {
    this.child.kill('SIGSTOP');
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
