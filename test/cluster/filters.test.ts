import { describe, expect, it } from '@jest/globals';
import { type ClusterFilter, OperationRegistry } from 'nestjs-cancelable';
import { rejection } from '../support/deferred.js';
import { hang, startInstances } from './instances.js';
import { startWithPlayed } from './with-played.js';

describe('a pattern in a filter', () => {
  it.each([
    ['a repetition in one of some alternatives', /x|(a+)+$/, /repeats what is repeated/],
    ['a repetition that is repeated a few times', /(a+){2}$/, /repeats what is repeated/],
    ['many short repetitions', /a?b?c?d?e?f?g?/, /more than 6 quantifiers/],
    ['long repetitions with an end', /a{0,50}b{0,50}c{0,50}/, /more than 2/],
    ['looking ahead', /a(?=b)/, /looks ahead/],
    ['looking ahead for what is not there', /a(?!b)/, /looks ahead/],
  ])('is refused for %s', async (_, name, message) => {
    const error = await rejection(new OperationRegistry().cluster.list({ name }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(message);
  });

  it('means the same for each name, whatever its flags', async () => {
    const [a, b] = await startInstances(2);
    const imports = ['import.1', 'import.2', 'import.2', 'import.3'];
    for (const name of [...imports, 'export', 'export']) {
      b!.registry.spawn(name, hang).result.catch(() => {});
    }
    b!.registry.spawn('x'.repeat(300) + 'import', hang).result.catch(() => {});
    const names = async (filter: ClusterFilter) =>
      (await a!.registry.cluster.list(filter)).operations.map(({ name }) => name);
    for (const name of [/^import/, /^import/g, /^import/y]) {
      expect(await names({ name })).toEqual(imports);
    }
    // Of a long name, only the beginning counts.
    expect(await names({ name: /x.*import/ })).toEqual([]);
    expect(await names({ name: /^x+$/ })).toHaveLength(1);
  });
});

describe('the limit of a filter', () => {
  it('holds where operations are canceled, the newest first', async () => {
    const [a, b] = await startInstances(2);
    const spawn = () => {
      const operation = b!.registry.spawn('import', hang);
      operation.result.catch(() => {});
      return operation;
    };
    const operations = [spawn(), spawn(), spawn(), spawn()];
    expect((await a!.registry.cluster.cancelAll({ limit: 1 })).count).toBe(1);
    expect((await a!.registry.cluster.cancelAll({ name: /^imp/, limit: 2 })).count).toBe(2);
    expect(operations.map(({ status }) => status === 'running')).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('a filter from elsewhere', () => {
  it.each([
    [
      'a pattern that never ends',
      { name: { source: '(a+)+$', flags: '' } },
      /the pattern is refused/,
    ],
    ['a pattern that is none', { name: { source: '(', flags: '' } }, /regular expression/],
    ['a function', { where: 'yes' }, /where/],
    ['an age that is no number', { age: '5' }, /not a filter/],
    ['a list', [], /not a filter/],
  ])('is refused with %s', async (_, filter, message) => {
    const { registry, played, service } = await startWithPlayed();
    const operation = registry.spawn('import', hang);
    const ask = { filter, scope: [], cancel: {}, except: [] };
    await played.send(`${service}:all`, 'ask', 'cancelAll', 'r1', ask);
    const scoped = { filter: {}, scope: Array.from({ length: 101 }, () => ({})), cancel: {} };
    await played.send(`${service}:all`, 'ask', 'cancelAll', 'r2', scoped);
    await played.settle();
    expect(String(played.answerTo('r1')!['problem'])).toMatch(message);
    expect(String(played.answerTo('r2')!['problem'])).toMatch(/not a scope/);
    expect(operation.status).toBe('running');
  });
});
