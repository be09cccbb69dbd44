import { Inject, Injectable } from '@nestjs/common';
import type { OperationRegistry } from '../registry/operation-registry.js';
import { wallNow } from '../scope/clock.js';
import type { Drain } from '../shutdown/drain.js';
import { DASHBOARD_DRAIN, DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import type { FeedMessages } from './api-types.js';

type Info = FeedMessages['info'];

/** Whether the application serves, drains, and for how long. */
@Injectable()
export class Standing {
  private readonly listeners = new Set<(info: Info) => void>();

  constructor(
    @Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry,
    @Inject(DASHBOARD_DRAIN) private readonly drain: Drain,
  ) {
    // The grace is known after the listeners.
    drain.onBegin(() => void setImmediate(() => this.tell()));
  }

  onChange(listener: (info: Info) => void): void {
    this.listeners.add(listener);
  }

  /** Everything that ran has ended: what is open has to be closed. */
  onDrained(listener: () => void): void {
    this.drain.onEnd(listener);
  }

  read(): Info {
    const { draining } = this.registry;
    return {
      draining,
      graceLeft: draining ? Math.round(this.drain.remainingGrace) : undefined,
      now: wallNow(),
    };
  }

  private tell(): void {
    const info = this.read();
    for (const listener of this.listeners) listener(info);
  }
}
