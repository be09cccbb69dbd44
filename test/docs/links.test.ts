import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { anchorsOf, at, pages, readPage } from './pages.js';

const LINK = /\]\(<?([^)\s>]+)>?[^)]*\)|\b(?:src|srcset|href)="([^"]+)"|^\[[^\]]+\]: +(\S+)/gm;

describe('the links of the documentation', () => {
  const links = pages.flatMap((page) => {
    // Code in a line is no link, but what a link shows may be code.
    const prose = page.prose.replaceAll(/(?<!\[)`[^`\n]+`(?!\])/g, (code) =>
      ' '.repeat(code.length),
    );
    return [...prose.matchAll(LINK)]
      .map(({ 1: inline, 2: attribute, 3: reference, index }) => ({
        page,
        target: inline ?? attribute ?? reference,
        where: at(page, prose, index),
      }))
      .filter(({ target }) => !/^(?:https?:|mailto:)/.test(target!));
  });

  it('lead to files that exist, within the repository', () => {
    expect(links.length).toBeGreaterThan(10);
    const broken = links.filter(({ page, target }) => {
      const file = target!.split('#')[0];
      const path = normalize(join(dirname(page.path), file!));
      return path.startsWith('..') || file!.startsWith('/') || !existsSync(path);
    });
    expect(broken.map(({ where, target }) => `${where}: ${target}`)).toEqual([]);
  });

  it('lead to headings that exist', () => {
    const broken = links.filter(({ page, target }) => {
      const [file, anchor] = target!.split('#') as [string, string?];
      if (anchor === undefined) return false;
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      if (!path.endsWith('.md') || !existsSync(path) || statSync(path).isDirectory()) return false;
      return !anchorsOf(readPage(path)).has(anchor);
    });
    expect(broken.map(({ where, target }) => `${where}: ${target}`)).toEqual([]);
  });
});
