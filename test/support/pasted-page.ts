import { mkdtemp, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll } from '@jest/globals';
import { readPage } from '../docs/pages.js';
import { removeFolder } from './remove-folder.js';

const folders: string[] = [];

afterAll(() => folders.splice(0).forEach(removeFolder));

/** The files of a page, as a reader pastes them: blocks that begin with a line such as `// main.ts`. */
export class PastedPage {
  private constructor(
    readonly folder: string,
    private readonly files: ReadonlyMap<string, string>,
  ) {}

  /**
   * Writes the files of a page to a folder of their own, which is removed after the tests.
   *
   * @param edit changes what a test cannot leave as it stands, such as the port
   */
  static async of(
    page: string,
    edit: (code: string, file: string) => string = (code) => code,
  ): Promise<PastedPage> {
    const files = new Map<string, string>();
    for (const { code } of readPage(page).fences) {
      const name = /^(?:\/\/|#) ([\w.-]+\.(?:ts|yaml))\n/.exec(code)?.[1];
      if (name !== undefined) files.set(name, edit(code, name));
    }
    if (files.size === 0) throw new Error(`${page} has no files to paste`);
    const folder = await mkdtemp(join('test', 'pasted-'));
    folders.push(folder);
    for (const [name, code] of files) await writeFile(join(folder, name), code);
    return new PastedPage(resolve(folder), files);
  }

  /** The path of a file. */
  path(name: string): string {
    this.text(name);
    return join(this.folder, name);
  }

  text(name: string): string {
    const text = this.files.get(name);
    if (text === undefined)
      throw new Error(`There is no ${name}, only ${[...this.files.keys()].join(', ')}`);
    return text;
  }

  /** Runs a file in this process; its imports are those of the test. */
  async import<Exports>(name: string): Promise<Exports> {
    return (await import(this.path(name))) as Exports;
  }
}
