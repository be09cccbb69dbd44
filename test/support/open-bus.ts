import type { CancelationBus, CancelationBusHost } from 'nestjs-cancelable';
import { closeAfterTest } from './close-after-test.js';
import { MemoryLog } from './memory-log.js';

/** A bus that is open, with what it tells its application. */
export class OpenBus implements CancelationBusHost {
  readonly log = new MemoryLog();
  readonly heard: string[] = [];
  recovered = 0;

  private constructor(readonly bus: CancelationBus) {}

  static async open(bus: CancelationBus): Promise<OpenBus> {
    const opened = new OpenBus(bus);
    closeAfterTest(() => bus.close());
    await bus.open(opened);
    return opened;
  }

  onRecovered = () => {
    this.recovered++;
  };

  async listen(channel = 'channel'): Promise<this> {
    await this.bus.subscribe(channel, (message) => this.heard.push(message));
    return this;
  }

  publish(message: string): Promise<void> {
    return this.bus.publish('channel', message);
  }
}

/** Until it is so; the test's own limit is what ends the wait. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Whether a call succeeds, to be asked again and again. */
export const succeeds = (call: () => Promise<unknown>) => () =>
  call().then(
    () => true,
    () => false,
  );
