import { randomUUID } from 'node:crypto';
import type { BusSession, OpenSession } from './bus-session.js';
import type { CancelationBus, CancelationBusHost, ClusterLeases } from './cancelation-bus.js';
import { KeptSession } from './kept-session.js';

type Listener = (message: string) => void;

/** What a bus over a server is made of. */
export interface SessionBusSettings<Session extends BusSession> {
  /** `'redis'` */
  readonly name: string;
  /** For messages: `Redis`. */
  readonly server: string;
  readonly secret: string | undefined;
  /** The name that the server knows a channel by. */
  readonly nameOf: (channel: string) => string;
  /** Loads what opens sessions. */
  readonly load: () => Promise<OpenSession<Session>>;
}

/** A bus over a server: the listeners of one instance, and the session that serves them. */
export class SessionBus<Session extends BusSession> implements CancelationBus {
  readonly name: string;
  readonly secret: string | undefined;
  readonly leases: ClusterLeases | undefined = undefined;
  private readonly title: string;
  private readonly channels = new Map<string, Set<Listener>>();
  private kept: KeptSession<Session> | undefined = undefined;
  private isOpen = false;

  constructor(private readonly settings: SessionBusSettings<Session>) {
    this.name = settings.name;
    this.secret = settings.secret;
    this.title = `${settings.name}Bus()`;
  }

  async open(host: CancelationBusHost): Promise<void> {
    if (this.isOpen) throw new Error(`${this.title}: the bus is open already`);
    this.isOpen = true;
    const { settings, channels, title } = this;
    try {
      const openSession = await settings.load();
      if (!this.isOpen) return;
      this.kept = new KeptSession(openSession, {
        host,
        name: title,
        server: settings.server,
        echoChannel: settings.nameOf(`echo:${randomUUID()}`),
        received: (channel, message) => {
          for (const listener of channels.get(channel) ?? []) listener(message);
        },
      });
    } catch (error) {
      this.isOpen = false;
      throw error;
    }
    await this.kept.open();
  }

  async publish(channel: string, message: string): Promise<void> {
    const name = this.settings.nameOf(channel);
    await this.use('publish()', (session) => session.publish(name, message));
  }

  async subscribe(channel: string, listener: Listener): Promise<() => Promise<void>> {
    const kept = this.opened();
    const name = this.settings.nameOf(channel);
    const own: Listener = (message) => listener(message);
    const listeners = this.channels.get(name) ?? new Set();
    this.channels.set(name, listeners.add(own));
    await kept.listen(name);
    return async () => {
      if (!listeners.delete(own) || listeners.size > 0) return;
      if (this.channels.get(name) !== listeners) return;
      this.channels.delete(name);
      await kept.leave(name);
    };
  }

  async isHeard(channel: string): Promise<boolean | undefined> {
    const name = this.settings.nameOf(channel);
    return await this.use('isHeard()', (session) => session.isHeard(name));
  }

  async close(): Promise<void> {
    const { kept } = this;
    this.kept = undefined;
    this.isOpen = false;
    this.channels.clear();
    await kept?.close();
  }

  /**
   * Uses the session.
   *
   * @param what it is used for, for the error
   * @throws Error that says why it cannot be used, within some seconds
   */
  async use<Result>(what: string, work: (session: Session) => Promise<Result>): Promise<Result> {
    return await this.opened().use(what, work);
  }

  private opened(): KeptSession<Session> {
    if (this.kept === undefined) throw new Error(`${this.title}: the bus is not open`);
    return this.kept;
  }
}
