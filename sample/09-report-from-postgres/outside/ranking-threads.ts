import type { Worker } from 'node:worker_threads';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';

/** The threads of this process. Node tells of each that begins. */
@Injectable()
export class RankingThreads implements OnModuleInit, OnModuleDestroy {
  private readonly began = new Map<Worker, number>();

  onModuleInit(): void {
    process.on('worker', this.count);
  }

  onModuleDestroy(): void {
    process.off('worker', this.count);
  }

  /** How long each has been running, in milliseconds. */
  get running(): number[] {
    return [...this.began.values()].map((since) => Date.now() - since);
  }

  private readonly count = (worker: Worker): void => {
    this.began.set(worker, Date.now());
    worker.once('exit', () => this.began.delete(worker));
  };
}
