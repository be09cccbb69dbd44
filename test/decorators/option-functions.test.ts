import { describe, expect, it } from '@jest/globals';
import { Cancelable } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';

class Work {
  @Cancelable({ timeout: (() => Promise.resolve('1s')) as unknown as () => number })
  async promised() {}

  @Cancelable({ timeout: (() => ({ seconds: 1 })) as unknown as () => number })
  async described() {}
}

describe('option functions that give what is not possible', () => {
  it.each(['promised', 'described'] as const)('%s: the call rejects, and says why', async (key) => {
    const error = await rejection(new Work()[key]());
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`Work\\.${key}: timeout.*is not a valid duration`));
  });
});
