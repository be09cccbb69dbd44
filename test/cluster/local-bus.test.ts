import { describe, it } from '@jest/globals';
import { localBus } from 'nestjs-cancelable';
import { checkCancelationBus } from 'nestjs-cancelable/testing';

describe('localBus()', () => {
  for (const { name, run } of checkCancelationBus(() => localBus())) it(name, run);
});
