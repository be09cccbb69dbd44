import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { currentOperation, OperationRegistry } from 'nestjs-cancelable';

const PEOPLE = ['ada', 'grace', 'linus', 'margaret'];

/** Work to watch: each kind shows something else on the dashboard. */
@Injectable()
export class DemoService {
  private started = 0;

  constructor(private readonly operations: OperationRegistry) {}

  readonly kinds = {
    /** Steps one after the other, then several at a time: the time line shows who waited for whom. */
    report: () =>
      this.spawn('report', '2m', async () => {
        await this.step('report.read', 40);
        await Promise.all([
          this.step('report.sales', 60),
          this.step('report.stock', 90),
          this.step('report.people', 30),
        ]);
        await this.step('report.write', 25);
      }),

    /** Needs a minute, and gets eight seconds. */
    timeout: () => this.spawn('slow search', '8s', () => this.step('index.scan', 600)),

    /** Fails half-way. */
    failure: () =>
      this.spawn('upload', '1m', async () => {
        await this.step('upload.read', 25);
        throw new Error('the disk is full');
      }),

    /** Does not look at its token: canceled after three seconds, it is a zombie five seconds later. */
    zombie: () =>
      this.spawn('stubborn export', '3s', async () => {
        await setTimeout(20_000);
      }),

    /** Each cancels the one before it of the same person. */
    latest: () =>
      this.operations.spawn(
        {
          name: 'autosave',
          timeout: '1m',
          exclusive: { key: 'ada', onConflict: 'cancel-previous' },
          metadata: { owner: 'ada' },
        },
        () => this.step('autosave.write', 200),
      ).id,

    /** Forty of them, to filter and to cancel together. */
    batch: () => {
      for (let index = 0; index < 40; index++) {
        this.spawn('thumbnail', '5m', () => this.walk(100 + Math.round(Math.random() * 300)), [
          'batch',
        ]);
      }
    },

    /** A minute of everything. */
    minute: () =>
      this.spawn('a minute of everything', '65s', async () => {
        const { report, timeout, failure, zombie, latest } = this.kinds;
        const turns = [report, latest, timeout, latest, failure, report, latest, zombie];
        for (let turn = 0; turn < 40; turn++) {
          currentOperation().reportProgress({ current: turn, total: 40 });
          turns[turn % turns.length]?.();
          await currentOperation().sleep('1.5s');
        }
      }),
  };

  /** The imports, and what else may go on after the response. */
  private spawn(
    name: string,
    timeout: string,
    work: () => Promise<void>,
    tags: readonly string[] = [],
  ): string {
    const owner = PEOPLE[this.started++ % PEOPLE.length];
    return this.operations.spawn({ name, timeout, tags, metadata: { owner } }, work).id;
  }

  private step(name: string, steps: number): Promise<void> {
    return this.operations.run(name, () => this.walk(steps));
  }

  /** A tenth of a second for each step. */
  private async walk(steps: number): Promise<void> {
    const operation = currentOperation();
    for (let step = 0; step < steps; step++) {
      operation.reportProgress({ current: step, total: steps });
      operation.savePartial({ steps: step });
      await operation.sleep('100ms');
    }
  }
}
