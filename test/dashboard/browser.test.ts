import { expect, it } from '@jest/globals';
import AxeBuilder from 'axe-core';
import { currentOperation, type OperationRegistry } from 'nestjs-cancelable';
import type { Page } from 'playwright-core';
import { hang } from '../cluster/instances.js';
import { useBrowser } from '../support/browser.js';
import { type Deferred, deferred } from '../support/deferred.js';
import { adapters } from '../support/http-app.js';
import { describeWith } from '../support/servers.js';
import { NameGuard, OPEN, startDashboard } from './dashboard-app.js';

const PHONE = { viewport: { width: 360, height: 740 } };

/** Work that goes on step by step, as it is told. */
function spawnSteps(registry: OperationRegistry, steps: readonly Deferred<void>[]) {
  return registry.spawn({ name: 'import', timeout: '1h', metadata: { owner: 'ann' } }, async () => {
    for (const [index, step] of steps.entries()) {
      currentOperation().reportProgress({ current: index, total: steps.length });
      await currentOperation().token.race(step.promise);
    }
  });
}

/** A tree of which a part has ended, a part runs, and a part ignores its cancel. */
async function spawnTree(registry: OperationRegistry) {
  const isRunning = deferred<void>();
  const release = deferred<void>();
  const root = registry.spawn(
    { name: 'nightly', timeout: '1h', metadata: { owner: 'ann' } },
    async () => {
      await registry.run('nightly.read', () => currentOperation().savePartial({ rows: 12 }));
      await Promise.all([
        registry.run('nightly.sales', hang),
        registry.run('nightly.stock', () =>
          registry.run('nightly.stock.count', () => {
            isRunning.resolve();
            return hang();
          }),
        ),
        registry.run('nightly.stubborn', () => release.promise),
      ]);
    },
  );
  await isRunning.promise;
  return { root, release };
}

/** Pixels by which a page is wider than its window. */
const OVERFLOW = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

const IS_PROGRESS_CUT = `(() => {
  const text = document.querySelector('[role=gridcell].progress .number');
  return text.scrollWidth > text.clientWidth;
})()`;

/** It may be brief of what is fine. */
const RUN_AXE = `axe.run({ resultTypes: ['violations'] })`;

/** Scrolls, frame by frame. @returns how long each took, in milliseconds, shortest first */
const SCROLLED_FRAMES = `(async () => {
  const grid = document.querySelector('[role=grid]');
  let scroller = grid;
  while (scroller && scroller.scrollHeight <= scroller.clientHeight + 1) scroller = scroller.parentElement;
  const lengths = [];
  let last = performance.now();
  for (let frame = 0; frame < 240; frame++) {
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    lengths.push(now - last);
    last = now;
    (scroller ?? document.scrollingElement).scrollBy(0, 37);
  }
  return lengths.sort((a, b) => a - b);
})()`;

const rowOf = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name });

describeWith(['chromium'], 'The page of the dashboard in a browser', () => {
  const browser = useBrowser();

  it.each(adapters)('shows work move, cancels it and says why, on %s', async (adapter) => {
    const { caller, registry, next, log } = await startDashboard(adapter);
    const { page } = await browser.open(caller.base);
    await page.getByText('Nothing runs now.').waitFor();

    const steps = Array.from({ length: 4 }, () => deferred<void>());
    const { id } = spawnSteps(registry, steps);
    const row = rowOf(page, 'import');
    await row.waitFor();
    await row.getByText('0 %').waitFor();
    steps[0]?.resolve();
    await row.getByText('25 %').waitFor();
    steps[1]?.resolve();
    await row.getByText('50 %').waitFor();

    await row.getByRole('button', { name: 'Cancel import' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill('the file is wrong');
    const canceled = next('settled', 'import');
    await dialog.getByRole('button', { name: 'Cancel operation' }).click();
    expect(await canceled).toMatchObject({ id, message: 'the file is wrong' });
    await page.getByText('Canceled import').waitFor();
    expect(log.find('log', 'anonymous canceled import')).toHaveLength(1);

    await page.getByRole('link', { name: 'History' }).click();
    await rowOf(page, 'import').getByRole('link', { name: 'import' }).click();
    const why = page.getByRole('region', { name: 'Why it was canceled' });
    await why.getByText('the file is wrong').waitFor();
    await why.getByText('anonymous', { exact: true }).waitFor();
    await why.getByText('the dashboard, from 127.0.0.1').waitFor();
    expect(new URL(page.url()).hash).toContain(id);
  });

  it.each(adapters)('filters, and cancels all that match, on %s', async (adapter) => {
    const { caller, registry, collect } = await startDashboard(adapter);
    for (let index = 0; index < 5; index++) registry.spawn({ name: 'thumbnail' }, hang);
    registry.spawn({ name: 'import', tags: ['nightly'] }, hang);
    const opened = await browser.open(caller.base);
    const { page } = opened;
    await page.getByText('6 live operations').waitFor();

    await page.getByRole('searchbox', { name: 'Search' }).fill('thumb');
    await rowOf(page, 'import').waitFor({ state: 'detached' });
    expect(await page.getByRole('row').filter({ hasText: 'thumbnail' }).count()).toBe(5);
    await page.getByRole('button', { name: 'Cancel matching' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('5 operations will be canceled.').waitFor();

    // What comes meanwhile was not confirmed.
    registry.spawn({ name: 'thumbnail' }, hang);
    opened.expect('409');
    await dialog.getByRole('button', { name: 'Cancel 5 operations' }).click();
    await dialog.getByText('There are more by now').waitFor();
    const settled = collect('settled', 6);
    await dialog.getByRole('button', { name: 'Cancel 6 operations' }).click();
    for (const { name } of await settled) expect(name).toBe('thumbnail');
    await page.getByText('Canceled 6 operations').waitFor();
    expect(registry.list().map(({ name }) => name)).toEqual(['import']);

    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('Tag').fill('nightly');
    await rowOf(page, 'import').waitFor();
    expect(new URL(page.url()).hash).toContain('tag=nightly');
    await page.getByLabel('Tag').fill('weekly');
    await page.getByText('Nothing that runs matches the filter.').waitFor();
  });

  it('shows a tree, and where the cancel arrived', async () => {
    const { caller, registry } = await startDashboard('Express', OPEN, {
      cancelable: { zombies: { after: '1ms' } },
    });
    const { root, release } = await spawnTree(registry);
    const { page } = await browser.open(`${caller.base}#/live?tree=1`);
    await page.getByRole('radio', { name: 'Tree' }).or(page.getByText('Tree')).first().click();
    const grid = page.getByRole('treegrid');
    await grid.getByRole('row').filter({ hasText: 'nightly.stock.count' }).waitFor();
    await browser.keep(page, 'tree-light');
    await rowOf(page, 'nightly.sales').first().getByRole('link').click();
    await page.getByRole('navigation', { name: /Ancestors|Breadcrumb/i }).waitFor();

    await page.goto(`${caller.base}#/operation/${root.id}`);
    const line = page.getByRole('region', { name: 'Time line', exact: true });
    await line.getByRole('img', { name: /nightly\.read: completed/ }).waitFor();
    root.cancel({ message: 'a new version', requestedBy: 'ann' });
    await line
      .getByRole('img', { name: /nightly\.stock\.count: canceled.*cancel arrived/ })
      .waitFor();
    await line.getByRole('img', { name: /nightly\.stubborn: canceling.*cancel arrived/ }).waitFor();
    await browser.keep(page, 'operation-light');
    const [count] = registry.history({ name: 'nightly.stock.count' });
    await page.goto(`${caller.base}#/operation/${count?.id}`);
    const why = page.getByRole('region', { name: 'Why it was canceled' });
    await why.getByText('Root cause').waitFor();
    await why.getByText('a new version').first().waitFor();
    await why.getByText('ann', { exact: true }).first().waitFor();

    await page.goto(`${caller.base}#/live?zombie=true`);
    await rowOf(page, 'nightly.stubborn')
      .getByText(/zombie/i)
      .first()
      .waitFor();
    release.resolve();
    await rowOf(page, 'nightly.stubborn').waitFor({ state: 'detached' });
  });

  it('connects again when the server has been restarted, and lists what runs there', async () => {
    const first = await startDashboard('Express');
    first.registry.spawn('before', hang);
    const opened = await browser.open(first.caller.base);
    const { page } = opened;
    opened.expect('ERR_');
    await rowOf(page, 'before').waitFor();
    (first.app.getHttpServer() as { closeAllConnections(): void }).closeAllConnections();
    await first.app.close();
    await page.getByText('Reconnecting').waitFor();

    const second = await startDashboard('Fastify', OPEN, { port: first.port });
    second.registry.spawn('after', hang);
    await rowOf(page, 'after').waitFor();
    await rowOf(page, 'before').waitFor({ state: 'detached' });
    await page.getByRole('status', { name: 'Connection' }).getByText('Live').waitFor();
  });

  it('shows in one tab what another has done', async () => {
    const { caller, registry } = await startDashboard('Express');
    registry.spawn('import', hang);
    const [one, two] = [await browser.open(caller.base), await browser.open(caller.base)];
    await rowOf(two.page, 'import').waitFor();
    await rowOf(one.page, 'import').getByRole('button', { name: 'Cancel import' }).click();
    await one.page.getByRole('button', { name: 'Cancel operation' }).click();
    await rowOf(two.page, 'import').waitFor({ state: 'detached' });
  });

  it('sends the token that the application checks', async () => {
    const refused: string[] = [];
    const { caller, registry, next } = await startDashboard('Express', OPEN, {
      configure(app) {
        app.use((request: any, response: any, proceed: () => void) => {
          response.setHeader('Set-Cookie', 'XSRF-TOKEN=a%20token; SameSite=Strict');
          const isFine = request.method === 'GET' || request.headers['x-xsrf-token'] === 'a token';
          if (isFine) return proceed();
          refused.push(request.url);
          response.sendStatus(403);
        });
      },
    });
    const { id } = registry.spawn('import', hang);
    expect((await caller.post(`/api/operations/${id}/cancel`, {})).status).toBe(403);
    expect(refused).toHaveLength(1);
    const { page } = await browser.open(caller.base);
    const settled = next('settled');
    await rowOf(page, 'import').getByRole('button', { name: 'Cancel import' }).click();
    await page.getByRole('button', { name: 'Cancel operation' }).click();
    expect(await settled).toMatchObject({ status: 'canceled' });
  });

  it('shows text of others as text, whatever it says', async () => {
    const { caller, registry } = await startDashboard('Express');
    const script = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    const turned = 'user\u202egnp.exe';
    const long = `long ${'word '.repeat(2_000)}`;
    const operation = registry.spawn(
      { name: `${script}${turned}`, tags: [script], metadata: { note: script, long } },
      () => {
        currentOperation().reportProgress(`${script} ${long}`);
        currentOperation().savePartial({ html: script });
        return hang();
      },
    );
    const { page } = await browser.open(caller.base, PHONE);
    await page.getByText('<img src=x').first().waitFor();
    const wide = () => page.evaluate<number>(OVERFLOW);
    expect(await wide()).toBe(0);

    await page.goto(`${caller.base}#/operation/${operation.id}`);
    await page.getByText('"html"').first().waitFor();
    operation.cancel({ message: `${script}${long}`, requestedBy: turned });
    await page.getByText('Why it was canceled').waitFor();
    expect(await wide()).toBe(0);
    expect(await page.locator('img, main script').count()).toBe(0);
    const text = await page.locator('body').innerText();
    expect(text).not.toContain('\u202e');
    await browser.keep(page, 'hostile-phone');
  });

  it('says on a phone how far work is, and when it will be done', async () => {
    const { caller, registry } = await startDashboard('Express');
    registry.spawn('import', async (operation) => {
      for (let current = 1; ; current++) {
        operation.reportProgress({ current, total: 50_000 });
        await operation.sleep(20);
      }
    });
    const { page } = await browser.open(caller.base, PHONE);
    const progress = page.getByRole('gridcell').and(page.locator('.progress'));
    await progress.getByText(/left$/).waitFor();
    await browser.keep(page, 'progress-phone');
    expect(await progress.locator('.rate').isVisible()).toBe(false);
    const isCut = await page.evaluate<boolean>(IS_PROGRESS_CUT);
    expect(isCut).toBe(false);
    await page.setViewportSize({ width: 1_280, height: 800 });
    expect(await progress.innerText()).toMatch(/^[\d.]+ % · \d+\/s · .+ left$/);
  });

  it('shows ten thousand live operations smoothly', async () => {
    const { caller, registry } = await startDashboard('Express');
    const operations = Array.from({ length: 10_000 }, (_, index) =>
      registry.start({ name: `work-${index % 50}`, metadata: { index } }),
    );
    const { page } = await browser.open(caller.base);
    await page.getByText('10,000 live operations').waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(100);
    let turn = 0;
    const changes = setInterval(() => {
      for (let index = 0; index < 100; index++) {
        const { operation } = operations[(turn++ * 37) % operations.length] as any;
        operation.reportProgress({ current: turn % 100, total: 100 });
      }
    }, 100);
    try {
      const frames = await page.evaluate<number[]>(SCROLLED_FRAMES);
      const at = (share: number) => frames[Math.floor(frames.length * share)] as number;
      process.stdout.write(
        `frames with 10,000 operations, ms: p50 ${at(0.5).toFixed(1)}, p95 ${at(0.95).toFixed(1)}\n`,
      );
      // A busy machine draws slower; a page that renders every row would need seconds.
      expect(at(0.5)).toBeLessThan(100);
      expect(at(0.95)).toBeLessThan(500);
    } finally {
      clearInterval(changes);
      for (const handle of operations) void handle.complete();
    }
  });

  it('shows a caller its own alone, and a stranger nothing', async () => {
    const { caller, registry } = await startDashboard('Fastify', {
      guards: [NameGuard],
      canRead: ({ metadata }, { user }) => metadata['owner'] === (user as { id: string }).id,
      canCancel: () => false,
    });
    registry.spawn({ name: 'anns', metadata: { owner: 'ann' } }, hang);
    registry.spawn({ name: 'bobs', metadata: { owner: 'bob' } }, hang);
    const { page } = await browser.open(caller.base, { extraHTTPHeaders: { 'x-name': 'ann' } });
    await page.getByText('1 live operation').waitFor();
    await rowOf(page, 'anns').waitFor();
    expect(await page.locator('body').innerText()).not.toContain('bobs');
    expect(await page.getByRole('button', { name: /^Cancel/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Charts' }).count()).toBe(0);

    const stranger = await browser.open(caller.base);
    expect(await stranger.page.locator('body').innerText()).not.toContain('anns');
    stranger.expect('403');
    stranger.expect('404');
  });

  it('counts down while the application drains', async () => {
    const { app, caller, registry } = await startDashboard('Express', OPEN, {
      cancelable: { shutdown: { grace: '1h' } },
    });
    const finish = deferred<void>();
    registry.spawn('long', () => finish.promise);
    const opened = await browser.open(caller.base);
    const { page } = opened;
    opened.expect('ERR_');
    await rowOf(page, 'long').waitFor();
    const closed = app.close();
    await page.getByText('This instance is draining').waitFor();
    await page.getByRole('timer').getByText('left').waitFor();
    await browser.keep(page, 'draining-light');
    finish.resolve();
    await closed;
  });

  it('is used by keyboard alone', async () => {
    const { caller, registry, next } = await startDashboard('Express');
    registry.spawn('alpha', hang);
    registry.spawn('beta', hang);
    const { page } = await browser.open(caller.base);
    await rowOf(page, 'beta').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('beta');
    await rowOf(page, 'alpha').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    const isOnRow = () =>
      page.evaluate<boolean>('document.activeElement.closest("[data-id]") !== null');
    for (let tab = 0; tab < 30 && !(await isOnRow()); tab++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'beta' }).waitFor();
    const button = page.getByRole('button', { name: 'Cancel operation' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const settled = next('settled', 'beta');
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('textbox').focus();
    await page.keyboard.press('Enter');
    expect(await settled).toMatchObject({ status: 'canceled' });
  });

  it.each([
    ['light', { colorScheme: 'light' as const }],
    ['dark', { colorScheme: 'dark' as const }],
    ['phone', { colorScheme: 'light' as const, ...PHONE }],
  ])('is accessible and fits, %s', async (look, options) => {
    const { caller, registry } = await startDashboard('Express', OPEN, {
      cancelable: { zombies: { after: '1ms' } },
    });
    const { root, release } = await spawnTree(registry);
    spawnSteps(registry, [deferred<void>()]);
    await registry.run({ name: 'report', tags: ['daily'] }, () => 1);
    await registry.run('broken', () => Promise.reject(new Error('no space left'))).catch(() => {});
    const stubborn = deferred<void>();
    const zombie = registry.spawn('stubborn', () => stubborn.promise);
    zombie.cancel({ message: 'stop' });
    const { page } = await browser.open(caller.base, options);
    await rowOf(page, 'nightly').first().waitFor();
    await page.evaluate(AxeBuilder.source);

    for (const [view, ready] of [
      ['live', 'import'],
      ['history', 'report'],
      ['charts', 'Cancel latency'],
      ['instances', 'instance'],
      [`operation/${root.id}`, 'Time line'],
      [`operation/${zombie.id}`, 'Why it was canceled'],
    ] as const) {
      await page.goto(`${caller.base}#/${view}`);
      await page.getByText(ready).first().waitFor();
      const name = view.replace(root.id, 'live').replace(zombie.id, 'canceled').replace('/', '-');
      await browser.keep(page, `${name}-${look}`);
      // A chart takes a frame to take its width.
      while ((await page.evaluate<number>(OVERFLOW)) !== 0);
      const { violations } = await page.evaluate<{ violations: any[] }>(RUN_AXE);
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      const found = serious.map(({ id, nodes }) => [id, nodes.map(({ html }: any) => html)]);
      expect([view, found]).toEqual([view, []]);
    }
    release.resolve();
    stubborn.resolve();
  });
});
