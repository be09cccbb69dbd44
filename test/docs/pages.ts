import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A fenced block of a page. `line` is the number of the line its code begins in. */
export interface Fence {
  language: string;
  line: number;
  code: string;
  /** Stands on the line before the fence: `<!-- ts: continues -->`. */
  continues: boolean;
}

/** A page of the documentation; `path` is relative to the root of the repository. */
export interface Page {
  path: string;
  text: string;
  fences: Fence[];
  /** The text without fenced blocks, in as many lines. */
  prose: string;
}

const CONTINUES = '<!-- ts: continues -->';

function parse(path: string): Page {
  const text = readFileSync(path, 'utf8');
  const lines = text.split('\n');
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: { mark: string; indent: number; fence: Fence } | undefined;
  let previous = '';
  for (const [index, line] of lines.entries()) {
    const mark = /^( *)(`{3,})([\w-]*)/.exec(line);
    if (open) {
      prose.push('');
      if (mark && mark[2] === open.mark && mark[3] === '') open = undefined;
      else open.fence.code += `${line.slice(open.indent)}\n`;
    } else if (mark) {
      const [, indent = '', ticks = '', language = ''] = mark;
      const continues = previous.trim() === CONTINUES;
      const fence = { language, line: index + 2, code: '', continues };
      fences.push(fence);
      open = { mark: ticks, indent: indent.length, fence };
      prose.push('');
    } else {
      prose.push(line);
      if (line.trim() !== '') previous = line;
    }
    if (open) previous = '';
  }
  return { path, text, fences, prose: prose.join('\n') };
}

function markdownBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort();
}

/** What a user reads: these pages are held to be true of the code. */
export const pages: Page[] = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'].filter((file) => existsSync(file)),
  ...markdownBelow('docs'),
].map(parse);

/** The page of that path, wherever a link leads to one. */
export function readPage(path: string): Page {
  return pages.find((page) => page.path === path) ?? parse(path);
}

/** The anchors of a page as GitHub makes them of its headings, and those that it sets itself. */
export function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.+?)\s*$/gm)) {
    const slug = heading
      .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`;
    anchors.add(anchor);
  }
  for (const [, id = ''] of prose.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** Adds where a match stands, for messages. */
export function at({ path }: Page, text: string, index: number): string {
  return `${path}:${text.slice(0, index).split('\n').length}`;
}
