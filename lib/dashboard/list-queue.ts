import { HttpException, Injectable, ServiceUnavailableException } from '@nestjs/common';
import { isObject, memberOf } from '../scope/plain-object.js';
import type { DashboardRequest } from './dashboard-options.js';

/** Lists that are made at a time: one may wait for other instances, or be long. */
const AT_A_TIME = 2;
/** Lists that wait for their turn. */
const MOST_WAITING = 50;
/** Of HTTP's numbers, the one that servers log when nobody is there to read an answer. */
const CLIENT_CLOSED_REQUEST = 499;

interface Waiting {
  readonly request: DashboardRequest;
  begin(): void;
  refuse(error: HttpException): void;
}

/**
 * Where lists wait for which many operations have to be looked at, so that the memory and the time
 * that they take together are bounded, however many ask.
 */
@Injectable()
export class ListQueue {
  private running = 0;
  private waiting: Waiting[] = [];

  /**
   * Makes a list as soon as there is room.
   *
   * @throws ServiceUnavailableException if too many wait already
   */
  async run<List>(request: DashboardRequest, make: () => Promise<List>): Promise<List> {
    if (this.running >= AT_A_TIME) await this.turn(request);
    else this.running++;
    try {
      return await make();
    } finally {
      this.next();
    }
  }

  private async turn(request: DashboardRequest): Promise<void> {
    if (this.waiting.length >= MOST_WAITING) this.dropThoseWhoLeft();
    if (this.waiting.length >= MOST_WAITING) {
      throw new ServiceUnavailableException(
        `${MOST_WAITING} lists are waited for already; ask again in a moment`,
      );
    }
    await new Promise<void>((begin, refuse) => this.waiting.push({ request, begin, refuse }));
  }

  /** Who has run gives its place to the one that waits longest and is still there. */
  private next(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      if (!hasLeft(next.request)) {
        next.begin();
        return;
      }
      next.refuse(nobodyReads());
    }
    this.running--;
  }

  private dropThoseWhoLeft(): void {
    const gone = new Set(this.waiting.filter(({ request }) => hasLeft(request)));
    this.waiting = this.waiting.filter((each) => !gone.has(each));
    for (const each of gone) each.refuse(nobodyReads());
  }
}

/** Whether the connection of a request is closed; of HTTP/2, its stream. */
function hasLeft(request: DashboardRequest): boolean {
  const raw = request['raw'] ?? request;
  const connection = memberOf(raw, 'stream') ?? request['socket'];
  return isObject(connection) && memberOf(connection, 'destroyed') === true;
}

function nobodyReads(): HttpException {
  return new HttpException('The client has left', CLIENT_CLOSED_REQUEST);
}
