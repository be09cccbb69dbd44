import { jest } from '@jest/globals';

/** Makes ioredis as good as not installed, for what the test imports afterwards. */
export function hideIoredis(): void {
  jest.unstable_mockModule('ioredis', () => {
    throw Object.assign(new Error("Cannot find package 'ioredis'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  });
}
