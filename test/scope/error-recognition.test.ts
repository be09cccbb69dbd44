import { beforeAll, describe, expect, it } from '@jest/globals';
import { runFixture } from '../support/fixture.js';

interface Found {
  readonly tag: string;
  readonly native: boolean;
  readonly shown: string;
  readonly differ: boolean;
  readonly equal: boolean;
  readonly uncaught: Record<string, unknown>;
}

let found: Found;

beforeAll(async () => {
  found = await runFixture<Found>(new URL('error-recognition.fixture.ts', import.meta.url));
});

describe('a CancelationError', () => {
  it('is a native Error', () => {
    expect(found).toMatchObject({ tag: '[object Error]', native: true });
  });

  it('differs from another one for assert.deepStrictEqual', () => {
    expect(found).toMatchObject({ differ: true, equal: true });
  });

  it('that a worker does not catch reaches the main thread with its name and message', () => {
    expect(found.uncaught).toEqual({
      isError: true,
      name: 'AbortError',
      message: 'in the worker',
      stack: 'AbortError: in the worker',
    });
  });

  it('is shown as an error, with its cause', () => {
    expect(found.shown).toMatch(/^\[ManualCancelation .*\[AbortError\]: first\]/);
    expect(found.shown).toContain('[cause]: Error: lost');
  });
});
