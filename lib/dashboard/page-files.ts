import { readdir, readFile } from 'node:fs/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { describeError } from '../scope/describe-error.js';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};

/** Only what the page consists of; nothing inline, nothing from elsewhere. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

export interface PageFile {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The page, as it was built. A file is one of those that were there at the start, or none. */
@Injectable()
export class PageFiles implements OnModuleInit {
  /** Where the built page is. */
  static folder = new URL('./page/', import.meta.url);

  private html = '';
  private readonly assets = new Map<string, PageFile>();

  async onModuleInit(): Promise<void> {
    try {
      await this.read(PageFiles.folder);
    } catch (error) {
      new Logger('CancelableDashboard').error(
        `The dashboard has no page, only its API: ${describeError(error)}`,
      );
    }
  }

  /** @param base the path of the page as the browser sees it, with a slash at its end */
  page(base: string, title: string): PageFile {
    return {
      text: this.html
        .replace('%BASE%', () => escapeHtml(base))
        .replace('%TITLE%', () => escapeHtml(title)),
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': CONTENT_SECURITY_POLICY,
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
        'X-Content-Type-Options': 'nosniff',
      },
    };
  }

  asset(name: string): PageFile | undefined {
    return this.assets.get(name);
  }

  private async read(folder: URL): Promise<void> {
    this.html = await readFile(new URL('index.html', folder), 'utf8');
    const assets = new URL('assets/', folder);
    for (const name of await readdir(assets)) {
      const type = TYPES[name.split('.').at(-1) ?? ''];
      if (type === undefined) continue;
      this.assets.set(name, {
        text: await readFile(new URL(name, assets), 'utf8'),
        headers: {
          'Content-Type': type,
          // The name has a hash of what is in it.
          'Cache-Control': 'private, max-age=31536000, immutable',
          'X-Content-Type-Options': 'nosniff',
        },
      });
    }
  }
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
