import { expect, it } from '@jest/globals';
import { startContext } from '../support/app-context.js';

it('what is held back of zombies is said before the application closes', async () => {
  const { app, registry, log } = await startContext(
    {},
    { zombies: { after: '10ms' }, shutdown: { grace: '10ms', cleanup: '10ms' } },
  );
  let zombies = 0;
  const all = new Promise<void>((resolve) => {
    registry.events$.subscribe(({ type }) => type === 'zombie' && ++zombies === 7 && resolve());
  });
  for (let index = 0; index < 4; index++) registry.spawn('stuck', () => new Promise(() => {}));
  for (let index = 0; index < 3; index++) {
    registry.spawn(`${index}`.repeat(300), () => new Promise(() => {}));
  }
  registry.cancelAll({});
  await all;
  await app.close();
  const lines = log.find('warn', 'still running').filter((line) => !line.startsWith('Shutdown'));
  expect(lines.map((line) => line.split(' after ')[0])).toEqual([
    'stuck is still running 10ms',
    `${'0'.repeat(256)}… is still running 10ms`,
    '3 more of stuck were still running 10ms',
    '2 more of other names were still running 10ms',
  ]);
});
