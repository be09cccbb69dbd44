import { describe, expect, it } from '@jest/globals';
import { SharedMethod } from '../../lib/scope/shared-method.js';

type Greet = (this: object, name: string) => string;

const polite = () =>
  new SharedMethod<'greet', Greet, { readonly word: string }>('greet', (below, owners) => {
    const greet: Greet = function (name) {
      const words = [...owners.values()].map(({ word }) => word).join('');
      return words + below.call(this, name);
    };
    return greet;
  });

const newClient = () => ({
  greet(name: string) {
    return `hello ${name}`;
  },
});

describe('SharedMethod', () => {
  it('is in place while somebody wants it, whoever leaves first', () => {
    for (const leave of [
      [0, 1],
      [1, 0],
    ]) {
      const client = newClient();
      const original = client.greet;
      const method = polite();
      const undo = [
        method.replaceOn(client, {}, { word: 'a ' }),
        method.replaceOn(client, {}, { word: 'b ' }),
      ];
      expect(client.greet('you')).toBe('a b hello you');
      undo[leave[0]!]!();
      expect(client.greet('you')).toMatch(/^[ab] hello you$/);
      undo[leave[1]!]!();
      expect(client.greet).toBe(original);
    }
  });

  it('has the name and the length of what it replaces', () => {
    const client = newClient();
    polite().replaceOn(client, {}, { word: '' });
    expect([client.greet.name, client.greet.length]).toEqual(['greet', 1]);
  });

  it('puts the original back when the lower one of two copies of the package leaves first', () => {
    for (const leave of [
      [0, 1],
      [1, 0],
    ]) {
      const client = newClient();
      const original = client.greet;
      // Each copy of the package has methods of its own.
      const undo = [
        polite().replaceOn(client, {}, { word: 'a ' }),
        polite().replaceOn(client, {}, { word: 'b ' }),
      ];
      expect(client.greet('you')).toBe('b a hello you');
      undo[leave[0]!]!();
      undo[leave[1]!]!();
      expect(client.greet).toBe(original);
    }
  });

  it('stays below what somebody else has put on top, and steps aside', () => {
    const client = newClient();
    const undo = polite().replaceOn(client, {}, { word: 'a ' });
    const { greet } = client;
    const onTop = (name: string) => `(${greet.call(client, name)})`;
    client.greet = onTop;
    undo();
    expect(client.greet).toBe(onTop);
    expect(client.greet('you')).toBe('(hello you)');
    polite().replaceOn(client, {}, { word: 'b ' })();
    expect(client.greet).toBe(onTop);
  });
});
