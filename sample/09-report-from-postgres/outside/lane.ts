/** `stopped`: it did not come to its end. */
export type LaneState = 'waiting' | 'running' | 'done' | 'stopped';

/** One of the three parts, as somebody outside sees it. */
export interface LaneStatus {
  readonly state: LaneState;
  /** How many of its kind there are at the moment. */
  readonly running: number;
  readonly elapsedMs: number;
  /** What is known beside. */
  readonly detail: string;
}

/** What there is at the moment: how long each has been running, in milliseconds. */
export interface Sight {
  readonly running: readonly number[];
  readonly detail?: string | undefined;
}

/** `canceled`: or it failed. */
export type ReportState = 'running' | 'completed' | 'canceled';

/** Remembers what was seen of a part while its report ran. */
export class Lane {
  private state: LaneState = 'waiting';
  private running = 0;
  private elapsedMs = 0;
  private detail = '';

  /** @param report whether it goes on, when the part was looked at */
  see({ running, detail }: Sight, report: ReportState): void {
    this.running = running.length;
    if (running.length > 0) {
      this.state = 'running';
      this.elapsedMs = Math.round(Math.max(...running));
      if (detail !== undefined) this.detail = detail;
    } else if (this.state !== 'done' && report === 'canceled') {
      this.state = 'stopped';
    } else if (this.state === 'running' || report === 'completed') {
      this.state = 'done';
    }
  }

  get status(): LaneStatus {
    const { state, running, elapsedMs, detail } = this;
    return { state, running, elapsedMs, detail };
  }
}
