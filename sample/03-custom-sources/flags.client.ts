import { Injectable } from '@nestjs/common';

/** Asks a server over HTTP; here the sample itself. */
@Injectable()
export class FlagsClient {
  url = '';

  async isSet(flag: string, signal: AbortSignal): Promise<boolean> {
    const answer = await fetch(`${this.url}/flags/${flag}`, { signal });
    return ((await answer.json()) as { set: boolean }).set;
  }
}
