// Checks the package as users get it: what is packed, how it resolves, its types, and that two
// empty applications install it, start and cancel a request. Every check runs, also after a failure.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { Checks, exec, pack, root, tool } from './support.mjs';

const apps = fileURLToPath(new URL('package-apps', import.meta.url));
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const entryPoints = Object.keys(manifest.exports)
  .filter((subPath) => subPath !== './package.json')
  .map((subPath) => manifest.name + subPath.slice('.'.length));
const peers = Object.keys(manifest.peerDependencies);
/** Sub-paths need them for their types; the application without them shows that the root does not. */
const optionalPeers = peers
  .filter((peer) => manifest.peerDependenciesMeta?.[peer]?.optional)
  .map((peer) => `${peer}@${manifest.peerDependencies[peer]}`);

async function install(name, workspace, ...packages) {
  const folder = join(workspace, name);
  await cp(join(apps, name), folder, { recursive: true });
  await cp(join(apps, 'copies.mjs'), join(folder, 'copies.mjs'));
  await exec(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock', ...packages],
    folder,
  );
  return folder;
}

async function checkContents(app) {
  const folder = join(app, 'node_modules', manifest.name);
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .map((file) => file.replaceAll('\\', '/'));
  const expected =
    /^(?:package\.json|(?:README|CONTRIBUTING|SECURITY|CHANGELOG)\.md|LICENSE|docs\/.+\.(?:md|svg|png)|dist\/.+\.(?:js|d\.ts)|dist\/(?:cjs\/)?dashboard\/page\/(?:index\.html|assets\/.+\.css)|grafana\/nestjs-cancelable\.json|dist\/cjs\/package\.json)$/;
  const foreign = files.filter((file) => !expected.test(file));
  if (foreign.length > 0) throw new Error(`packed, but of no use to users: ${foreign.join(', ')}`);
  for (const needed of [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'dist/index.js',
    'dist/cjs/index.js',
  ]) {
    if (!files.includes(needed)) throw new Error(`${needed} is not in the package`);
  }
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const links = [...readme.matchAll(/(?:\]\(|src=")((?!https?:)[\w./-]+)/g)].map(
    ([, link]) => link,
  );
  const dead = links.filter((link) => !files.includes(link) && !link.startsWith('sample'));
  if (dead.length > 0) throw new Error(`the README links to what is not packed: ${dead}`);
}

const strictest = {
  strict: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  lib: ['lib.es2023.d.ts'],
  types: [],
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noEmit: true,
};

function diagnose(file, options) {
  const program = ts.createProgram([file], options);
  const diagnostics = ts.getPreEmitDiagnostics(program);
  const emitted = options.noEmit ? [] : program.emit().diagnostics;
  return [...diagnostics, ...emitted].map((each) =>
    ts.formatDiagnostic(each, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => join(file, '..'),
      getNewLine: () => '\n',
    }),
  );
}

/** A module that re-exports by name all that an entry point has. */
async function everyName(app, specifier, index) {
  const probe = join(app, `probe-${index}.ts`);
  await writeFile(probe, `export * from '${specifier}';\n`);
  const program = ts.createProgram([probe], { ...strictest, skipLibCheck: true });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(probe));
  const names = module ? checker.getExportsOfModule(module).map((each) => each.name) : [];
  await rm(probe);
  if (names.length === 0) throw new Error(`${specifier} exports nothing that its types know`);
  return `export { ${names.map((name) => `${name} as ${name}_${index}`).join(', ')} } from '${specifier}';\n`;
}

/**
 * The declarations must compile where nothing but the language is known: no Node types, no DOM.
 * Those of Nest and rxjs do not (`Buffer`, `stream`, `util`, `setTimeout`), whoever imports them.
 * So what an application with the peers alone reports is taken off, and nothing else is.
 */
async function checkBareTypes(app) {
  const withoutUs = join(app, 'without.ts');
  const withUs = join(app, 'with.ts');
  const others = peers.map((peer, index) => `import * as peer${index} from '${peer}';\n`);
  others.push(`export const peers = [${peers.map((_, index) => `peer${index}`).join(', ')}];\n`);
  const ours = await Promise.all(entryPoints.map((each, index) => everyName(app, each, index)));
  await writeFile(withoutUs, others.join(''));
  await writeFile(withUs, [...others, ...ours].join(''));

  // A peer may have no types of its own; both files begin with the same imports.
  const inEither = (text) => text.replace(/^with(?:out)?\.ts/, 'either.ts');
  const known = new Set(diagnose(withoutUs, strictest).map(inEither));
  const found = diagnose(withUs, strictest).filter((each) => !known.has(inEither(each)));
  if (found.length > 0) throw new Error(found.join(''));
}

async function checkEsmApp(app) {
  const found = diagnose(join(app, 'main.ts'), {
    ...strictest,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    noEmit: false,
  });
  if (found.length > 0) throw new Error(found.join(''));
  return exec(process.execPath, ['main.js'], app, { timeout: 60_000 });
}

const checks = new Checks();
const workspace = await mkdtemp(join(tmpdir(), `${manifest.name}-`));
try {
  const tarball = await pack(workspace);
  const [esm, cjs] = await Promise.all([
    install('esm-nest-12', workspace, tarball, ...optionalPeers),
    install('cjs-nest-11', workspace, tarball),
  ]);

  await checks.run('contents', () => checkContents(esm));
  await checks.run('publint', async () => {
    await tool('publint', 'run', tarball, '--strict');
  });
  await checks.run('are the types wrong', async () => {
    await tool('attw', tarball);
  });
  await checks.run('types without Node and DOM', () => checkBareTypes(esm));
  await checks.run('an ESM application on Nest 12', () => checkEsmApp(esm));
  await checks.run('a CommonJS application on Nest 11', () =>
    exec(process.execPath, ['main.cjs'], cjs, { timeout: 60_000 }),
  );
  for (const [name, app] of Object.entries({ 12: esm, 11: cjs })) {
    await checks.run(`several copies in a process on Nest ${name}`, () =>
      exec(process.execPath, ['copies.mjs'], app, { timeout: 60_000 }),
    );
  }
} finally {
  await rm(workspace, { recursive: true, force: true });
}

checks.finish('package check');
