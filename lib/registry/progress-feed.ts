/**
 * An observer hears of progress at most this often, in milliseconds: the first, then the latest.
 */
const PROGRESS_INTERVAL = 100;

/** Work may report a thousand times a second; who watches it gets what a person can follow. */
export class ProgressFeed {
  private timer: ReturnType<typeof setTimeout> | undefined = undefined;
  private isDue = false;

  constructor(private readonly deliver: () => void) {}

  offer(): void {
    if (this.timer !== undefined) {
      this.isDue = true;
      return;
    }
    this.deliver();
    this.rest();
  }

  /** Tells what is held back; nothing follows. */
  flush(): void {
    const { isDue } = this;
    this.stop();
    if (isDue) this.deliver();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.isDue = false;
  }

  private rest(): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!this.isDue) return;
      this.isDue = false;
      this.deliver();
      this.rest();
    }, PROGRESS_INTERVAL);
    this.timer.unref?.();
  }
}
