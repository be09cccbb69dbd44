import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { PageFiles } from '../../lib/dashboard/page-files.js';

/** Where screenshots are kept, to be looked at. */
const SCREENSHOTS = 'screenshots';

export interface OpenPage {
  readonly page: Page;
  /** The console tells of each answer that is an error: of these, a test knows. */
  expect(text: string): void;
}

interface Followed extends OpenPage {
  /** What went wrong in it: errors, and what the Content-Security-Policy forbade. */
  readonly problems: string[];
  readonly expected: string[];
}

export interface OpenBrowser {
  open(url: string, options?: BrowserContextOptions): Promise<OpenPage>;
  keep(page: Page, name: string): Promise<void>;
}

/** A browser for the tests of a `describe`, and the page of the dashboard, built. */
export function useBrowser(): OpenBrowser {
  let browser: Browser;
  let folder: string;
  const opened: Followed[] = [];
  const source = PageFiles.folder;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'page-'));
    execFileSync(process.execPath, ['scripts/build-page.mjs', folder]);
    PageFiles.folder = pathToFileURL(`${folder}/`);
    mkdirSync(SCREENSHOTS, { recursive: true });
    const path = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
    // A container has no user namespaces for its sandbox.
    browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    PageFiles.folder = source;
    rmSync(folder, { recursive: true, force: true });
    await browser.close();
  });

  afterEach(async () => {
    const pages = opened.splice(0);
    for (const { page } of pages) await page.context().close();
    const surprises = pages.flatMap(({ problems, expected }) =>
      problems.filter((problem) => !expected.some((text) => problem.includes(text))),
    );
    expect(surprises).toEqual([]);
  });

  return {
    async open(url, options) {
      const context = await browser.newContext({ colorScheme: 'light', ...options });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      page.on('dialog', (dialog) => {
        problems.push(`a dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      const expected: string[] = [];
      const followed = {
        page,
        problems,
        expected,
        expect: (text: string) => void expected.push(text),
      };
      opened.push(followed);
      await page.goto(url);
      return followed;
    },
    async keep(page, name) {
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
    },
  };
}
