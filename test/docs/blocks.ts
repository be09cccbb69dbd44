import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { Fence, Page } from './pages.js';

/**
 * Compiles every `ts` block of the pages in one program, as strict as an application would.
 *
 * - Names of `nestjs-cancelable`, `@nestjs/common` and `@nestjs/core` need no import, nor do those
 *   of made-up.d.ts, which declares what examples take for granted.
 * - Members of a class need no class around them; it extends `MadeUp`, so `this.reports` is known.
 * - Packages that are not installed here are declared in `not-installed/`.
 * - A block whose first line is `// name.ts` is that file, and other blocks of its page may import
 *   it. A block below `<!-- ts: continues -->` belongs to the file of the one before.
 * - Each line stands where it stands in the page, so that a message names the page's own line.
 */
export function compileBlocks(pages: Page[]): string[] {
  const files = new Map(pages.flatMap((page) => [...filesOf(page)]));
  const host = new BlockHost();
  const known = host.exportsOf(WELL_KNOWN);
  for (const [path, file] of files) host.add(path, file.source(known));
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([path, file]) => {
    const source = program.getSourceFile(path);
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ start, messageText }) => {
      const line = source!.getLineAndCharacterOfPosition(start ?? 0).line + 1;
      const message = ts.flattenDiagnosticMessageText(messageText, '\n');
      return `${file.page}:${line}: ${message}`;
    });
  });
}

const root = process.cwd();
const folder = join(root, 'test/docs');
const MADE_UP = './made-up.js';
const WELL_KNOWN = ['nestjs-cancelable', '@nestjs/common', '@nestjs/core', MADE_UP];

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  esModuleInterop: true,
  skipLibCheck: true,
  noEmit: true,
  paths: {
    'nestjs-cancelable': [join(root, 'lib/index.ts')],
    'nestjs-cancelable/*': [join(root, 'lib/*/index.ts')],
    '*': [join(folder, 'not-installed/*.d.ts')],
  },
};

/** What a module exports by name, and whether that is a type only. */
type Exports = Map<string, { module: string; type: boolean }>;

/** One block, with those that continue it. */
class BlockFile {
  private code = '';
  private readonly line: number;

  constructor(
    readonly page: string,
    fence: Fence,
  ) {
    this.line = fence.line;
    this.append(fence);
  }

  append({ line, code }: Fence): void {
    const here = this.line + this.code.split('\n').length - 1;
    this.code += '\n'.repeat(line - here) + code;
  }

  source(known: Exports): string {
    const isMembers = hasErrors(this.code) && !hasErrors(`class Example {\n${this.code}}`);
    const code = isMembers ? `class Example extends MadeUp {\n${this.code}}` : `\n${this.code}`;
    const padding = '\n'.repeat(this.line - 2);
    return `${importsFor(code, known)}export {};${padding}${code}`;
  }
}

function filesOf(page: Page): Map<string, BlockFile> {
  const files = new Map<string, BlockFile>();
  const home = join(folder, 'pages', page.path);
  let last: BlockFile | undefined;
  for (const fence of page.fences) {
    if (fence.language !== 'ts') continue;
    if (fence.continues && last) {
      last.append(fence);
      continue;
    }
    last = new BlockFile(page.path, fence);
    const name = /^\/\/ ([\w./-]+\.ts)(?:$|:)/.exec(fence.code.split('\n', 1)[0] ?? '')?.[1];
    const named = name && join(home, name);
    files.set(named && !files.has(named) ? named : join(home, `line-${fence.line}.ts`), last);
  }
  return files;
}

function hasErrors(code: string): boolean {
  const { diagnostics } = ts.transpileModule(code, {
    compilerOptions: { experimentalDecorators: true, target: ts.ScriptTarget.ES2023 },
    reportDiagnostics: true,
  });
  return diagnostics !== undefined && diagnostics.length > 0;
}

/** Imports, in one line, of what the code mentions and does not declare. */
function importsFor(code: string, known: Exports): string {
  const declared = namesDeclaredBy(ts.createSourceFile('block.ts', code, options.target!));
  const mentioned = new Set(code.match(/[A-Za-z_$][\w$]*/g));
  return [...mentioned]
    .filter((name) => !declared.has(name) && known.has(name))
    .map((name) => {
      const { module, type } = known.get(name)!;
      const from = module === MADE_UP ? join(folder, 'made-up.js') : module;
      return `import ${type ? 'type ' : ''}{ ${name} } from ${JSON.stringify(from)};`;
    })
    .join('');
}

/** What stands at the top of a file: imports, declarations and variables. */
function namesDeclaredBy(file: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const add = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    else if (ts.isBindingElement(node) || ts.isVariableDeclaration(node)) add(node.name);
    else if (ts.isImportSpecifier(node) || ts.isNamespaceImport(node)) add(node.name);
    else if (ts.isImportClause(node) && node.name) add(node.name);
    else if (ts.isObjectBindingPattern(node) || ts.isArrayBindingPattern(node))
      node.elements.forEach(add);
    if (ts.isImportClause(node) && node.namedBindings) {
      if (ts.isNamedImports(node.namedBindings)) node.namedBindings.elements.forEach(add);
      else add(node.namedBindings);
    }
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) statement.declarationList.declarations.forEach(add);
    else if (ts.isImportDeclaration(statement) && statement.importClause)
      add(statement.importClause);
    else if ('name' in statement) add(statement.name as ts.Node);
  }
  return names;
}

/** Files of the disk that were parsed once, for every program. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Serves blocks from memory. */
class BlockHost implements ts.CompilerHost {
  private readonly texts = new Map<string, string>();
  private readonly folders = new Set<string>();
  private readonly disk = ts.createCompilerHost(options);

  add(path: string, text: string): void {
    this.texts.set(path, text);
    for (let above = dirname(path); above.length > folder.length; above = dirname(above))
      this.folders.add(above);
  }

  exportsOf(modules: string[]): Exports {
    const probe = join(folder, 'probe.ts');
    this.add(probe, modules.map((each, index) => `import * as m${index} from '${each}';`).join(''));
    const program = ts.createProgram([probe], options, this);
    const checker = program.getTypeChecker();
    const exports: Exports = new Map();
    for (const statement of program.getSourceFile(probe)!.statements) {
      const { moduleSpecifier } = statement as ts.ImportDeclaration;
      const module = (moduleSpecifier as ts.StringLiteral).text;
      const symbol = checker.getSymbolAtLocation(moduleSpecifier);
      for (const each of symbol ? checker.getExportsOfModule(symbol) : []) {
        const alias = each.flags & ts.SymbolFlags.Alias;
        const { flags } = alias ? checker.getAliasedSymbol(each) : each;
        exports.set(each.name, { module, type: !(flags & ts.SymbolFlags.Value) });
      }
    }
    return exports;
  }

  getSourceFile(path: string, language: ts.ScriptTarget | ts.CreateSourceFileOptions) {
    const text = this.texts.get(path);
    if (text !== undefined) return ts.createSourceFile(path, text, language);
    if (!parsed.has(path)) parsed.set(path, this.disk.getSourceFile(path, language));
    return parsed.get(path);
  }

  fileExists(path: string): boolean {
    return this.texts.has(path) || this.disk.fileExists(path);
  }

  directoryExists(path: string): boolean {
    return this.folders.has(path) || this.disk.directoryExists!(path);
  }

  readFile(path: string): string | undefined {
    return this.texts.get(path) ?? this.disk.readFile(path);
  }

  realpath = (path: string): string => this.disk.realpath!(path);
  getCurrentDirectory = (): string => root;
  getCanonicalFileName = (path: string): string => this.disk.getCanonicalFileName(path);
  useCaseSensitiveFileNames = (): boolean => this.disk.useCaseSensitiveFileNames();
  getDefaultLibFileName = (of: ts.CompilerOptions): string => this.disk.getDefaultLibFileName(of);
  getDefaultLibLocation = (): string => this.disk.getDefaultLibLocation!();
  getNewLine = (): string => '\n';
  writeFile = (): void => {};
}
