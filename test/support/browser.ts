import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import {
  type Browser,
  chromium,
  type ConsoleMessage,
  type Dialog,
  type Page,
} from 'playwright-core';
import { PageFiles } from '../../lib/dashboard/page-files.js';
import { removeFolder } from './remove-folder.js';

/** Where screenshots are kept, to be looked at. */
const SCREENSHOTS = 'screenshots';

/** How a page is looked at. */
export interface Look {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { width: number; height: number };
  readonly extraHTTPHeaders?: Record<string, string>;
}

const DESKTOP = { width: 1_280, height: 720 };

export interface OpenPage {
  readonly page: Page;
  /** The console tells of each answer that is an error: of these, a test knows. */
  expect(text: string): void;
}

/** A page that the tests use one after the other: a new one would be a new process. */
class KeptPage implements OpenPage {
  isOpen = false;
  /** What went wrong in it: errors, and what the Content-Security-Policy forbade. */
  private problems: string[] = [];
  private expected: string[] = [];

  private constructor(readonly page: Page) {
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message: ConsoleMessage) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    page.on('dialog', (dialog: Dialog) => {
      this.problems.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async in(browser: Browser): Promise<KeptPage> {
    return new KeptPage(await (await browser.newContext()).newPage());
  }

  expect(text: string): void {
    this.expected.push(text);
  }

  async open(url: string, look: Look): Promise<void> {
    this.isOpen = true;
    await this.page.setViewportSize(look.viewport ?? DESKTOP);
    await this.page.emulateMedia({ colorScheme: look.colorScheme ?? 'light' });
    await this.page.setExtraHTTPHeaders(look.extraHTTPHeaders ?? {});
    await this.page.goto(url);
  }

  /** Leaves nothing for the next. @returns what went wrong, and was not expected */
  async empty(): Promise<string[]> {
    await this.page.evaluate('try { localStorage.clear(); } catch {}');
    await this.page.context().clearCookies();
    await this.page.goto('about:blank');
    const surprises = this.problems.filter(
      (problem) => !this.expected.some((text) => problem.includes(text)),
    );
    this.problems = [];
    this.expected = [];
    this.isOpen = false;
    return surprises;
  }
}

export interface OpenBrowser {
  open(url: string, look?: Look): Promise<OpenPage>;
  keep(page: Page, name: string): Promise<void>;
}

/** A browser for the tests of a `describe`, and the page of the dashboard, built. */
export function useBrowser(): OpenBrowser {
  let browser: Browser;
  let folder: string;
  const pages: KeptPage[] = [];
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
    removeFolder(folder);
    await browser.close();
  });

  afterEach(async () => {
    const surprises: string[] = [];
    for (const page of pages) if (page.isOpen) surprises.push(...(await page.empty()));
    expect(surprises).toEqual([]);
  });

  return {
    async open(url, look = {}) {
      let page = pages.find(({ isOpen }) => !isOpen);
      if (page === undefined) pages.push((page = await KeptPage.in(browser)));
      await page.open(url, look);
      return page;
    },
    async keep(page, name) {
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
    },
  };
}
