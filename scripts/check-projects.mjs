// Checks the packed package in the projects that people have: the stock starters of Nest 11 and 12
// with the README's quick start pasted in, every builder of the Nest CLI, runners without decorator
// metadata, and a monorepo with two copies. Every check runs, also after a failure.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Checks, exec, pack, root, whileRunning } from './support.mjs';

const sources = fileURLToPath(new URL('projects', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');
const quickStart = /```ts\n(\/\/ main\.ts\n[\s\S]*?)```/.exec(readme)[1];
const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Nest says that it has started a moment before it listens. */
async function accepts(port) {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    const socket = connect(port, 'localhost');
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on port ${port}`);
}

const readJson = async (file) => JSON.parse(await readFile(file, 'utf8'));
const writeJson = (file, value) => writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);

/** What the starters bring for linting and formatting, and what this check does not run. */
const UNUSED = /eslint|prettier|oxlint|globals|supertest|coverage/;

/** A stock starter with the package, the quick start as its `main.ts` and a test of a service. */
async function createStarter(workspace, tarball, major, env) {
  await exec(
    'npx',
    [
      '-y',
      `@nestjs/cli@${major}`,
      'new',
      `nest-${major}`,
      '--skip-git',
      '--skip-install',
      '-p',
      'npm',
    ],
    workspace,
    { env },
  );
  const app = join(workspace, `nest-${major}`);
  const manifest = await readJson(join(app, 'package.json'));
  for (const name of Object.keys(manifest.devDependencies)) {
    if (UNUSED.test(name)) delete manifest.devDependencies[name];
  }
  await writeJson(join(app, 'package.json'), manifest);
  await exec('npm', ['install', ...quiet, tarball], app, { env });
  await rm(join(app, 'test'), { recursive: true });
  await writeFile(join(app, 'src/main.ts'), quickStart);
  await cp(join(sources, 'reports.spec.ts'), join(app, 'src/reports.spec.ts'));
  return app;
}

/** Runs the quick start, and does what the README says of it; ends it with SIGTERM in a request. */
async function checkQuickStart(app, program, args, env = {}) {
  const port = await freePort();
  const url = `http://localhost:${port}/reports`;
  const running = { cwd: app, env: { ...env, PORT: String(port) }, ready: /successfully started/ };
  await whileRunning(program, args, running, async ({ child, exit }) => {
    await accepts(port);
    const started = await (await fetch(`${url}/imports`, { method: 'POST' })).json();
    const feed = await fetch(`${url}/imports/${started.id}`);
    let events = '';
    let stopped;
    for await (const chunk of feed.body) {
      events += new TextDecoder().decode(chunk);
      if (stopped !== undefined || !events.includes('event: progress')) continue;
      stopped = await (await fetch(`${url}/imports/${started.id}`, { method: 'DELETE' })).json();
    }
    if (stopped?.canceled !== true && stopped?.canceled !== 1) {
      throw new Error(`not canceled: ${JSON.stringify(stopped)}`);
    }
    if (!/"status":"canceled"/.test(events)) throw new Error(`no outcome in ${events}`);

    const report = fetch(`${url}/Paris`, { headers: { connection: 'close' } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGTERM');
    const answer = await report;
    const { code } = await answer.json();
    if (answer.status !== 504 || code !== 'OPERATION_TIMEOUT') {
      throw new Error(`after SIGTERM, the request got ${answer.status} ${code}`);
    }
    const outcome = await exit;
    if (outcome.code !== 0 && outcome.signal !== 'SIGTERM') {
      throw new Error(`ended with ${JSON.stringify(outcome)}`);
    }
  });
}

/** A save while a request is in flight: the next process serves, on the same port. */
async function checkWatch(app) {
  const port = await freePort();
  const url = `http://localhost:${port}/reports`;
  const env = { PORT: String(port), NO_COLOR: '1' };
  const running = { cwd: app, env, ready: /successfully started/ };
  await whileRunning('npx', ['nest', 'start', '--watch'], running, async ({ until, printed }) => {
    await accepts(port);
    const inFlight = fetch(`${url}/Paris`).then(
      (response) => response.status,
      () => 'closed',
    );
    const before = printed().length;
    await writeFile(join(app, 'src/main.ts'), `${quickStart}\n// saved\n`);
    await until(/successfully started|EADDRINUSE/, before);
    await accepts(port);
    const started = await fetch(`${url}/imports`, { method: 'POST' });
    if (started.status !== 201) throw new Error(`after a save: ${started.status}\n${printed()}`);
    await inFlight;
  });
}

/** The binaries of another Node version, from its npm package. */
async function installNode(workspace, major) {
  const folder = join(workspace, `node-${major}`);
  await mkdir(folder);
  await exec('npm', ['install', ...quiet, '--prefix', folder, `node@${major}`], folder);
  const binary = join(folder, 'node_modules', 'node', 'bin');
  return { PATH: `${binary}${delimiter}${process.env.PATH}` };
}

const checks = new Checks();

/** The stock starter: CommonJS, jest with ts-jest, and every builder of the CLI. */
async function checkNest11(app) {
  const check = (name, action) => checks.run(`Nest 11 starter: ${name}`, action);
  const npx = (...args) => exec('npx', args, app);
  const add = (...packages) => exec('npm', ['install', ...quiet, '-D', ...packages], app);
  const start = () => checkQuickStart(app, process.execPath, ['dist/main']);

  await check('npm test (jest, CommonJS)', () => exec('npm', ['test'], app));
  await check('types in CommonJS, without an exports map', () => {
    const older = ['--module', 'commonjs', '--moduleResolution', 'node10'];
    const allowed = ['--resolvePackageJsonExports', 'false', '--ignoreDeprecations', '5.0'];
    return npx('tsc', '--noEmit', ...older, ...allowed);
  });
  await check('nest build, node dist/main', async () => {
    await npx('nest', 'build');
    await start();
  });
  await check('nest start --watch, a save with a request in flight', () => checkWatch(app));
  await check('nest build --webpack', async () => {
    await npx('nest', 'build', '--webpack');
    await start();
  });
  await check('nest build --builder swc', async () => {
    await add('@swc/cli', '@swc/core');
    await npx('nest', 'build', '--builder', 'swc');
    await start();
  });
  await check('ts-node', () =>
    checkQuickStart(app, process.execPath, ['-r', 'ts-node/register', 'src/main.ts']),
  );
  await check('tsx, without decorator metadata', async () => {
    await add('tsx');
    await cp(join(sources, 'no-metadata.ts'), join(app, 'no-metadata.ts'));
    const printed = await npx('tsx', 'no-metadata.ts');
    const expected = [
      '{"city":"Paris","left":true,"name":"ReportsService.build","limited":true}',
      'Paris',
      '["ReportsService.rows 0","ReportsService.rows 1"]',
      '0',
    ];
    if (printed.trim().split('\n').at(-1) !== JSON.stringify(expected)) throw new Error(printed);
  });
  await check('spans, with the instrumentations of HTTP and Nest', async () => {
    const { devDependencies } = await readJson(join(root, 'package.json'));
    const telemetry = Object.keys(devDependencies).filter((name) => /^@opentelemetry/.test(name));
    await add(...telemetry.map((name) => `${name}@${devDependencies[name]}`));
    for (const file of ['tracing.ts', 'traced.ts']) await cp(join(sources, file), join(app, file));
    const printed = await npx('ts-node', 'traced.ts');
    const expected = [
      'instrumentation-http: GET',
      'nestjs-cancelable: ReportsService.build',
      'instrumentation-nestjs-core: build',
      'nestjs-cancelable: GET /reports/:city',
      'instrumentation-nestjs-core: ReportsController.build',
      // At the server, and where the request was sent.
      'instrumentation-http: GET',
      'instrumentation-http: GET',
    ];
    if (printed.trim().split('\n').at(-1) !== JSON.stringify(expected)) throw new Error(printed);
  });
}

/** The stock starter: ES modules, vitest. */
async function checkNest12(app, env) {
  const check = (name, action) => checks.run(`Nest 12 starter: ${name}`, action);
  await check('npm test (vitest)', () => exec('npm', ['test'], app, { env }));
  await check('nest build, npm run start:prod', async () => {
    await exec('npx', ['nest', 'build'], app, { env });
    const { scripts } = await readJson(join(app, 'package.json'));
    const [program, ...args] = scripts['start:prod'].split(' ');
    await checkQuickStart(app, program, args, env);
  });
}

/** Makes a project, and checks it if that worked. */
async function checkStarter(major, create, use) {
  let app;
  await checks.run(`Nest ${major} starter: nest new`, async () => {
    app = await create();
  });
  if (app !== undefined) await use(app);
}

const workspace = await mkdtemp(join(tmpdir(), 'projects-'));
try {
  const tarball = await pack(workspace);
  await checkStarter(11, () => createStarter(workspace, tarball, 11), checkNest11);
  // The CLI and the test runner of this starter need a newer Node than the package does.
  const env = await installNode(workspace, 24);
  await checkStarter(
    12,
    () => createStarter(workspace, tarball, 12, env),
    (app) => checkNest12(app, env),
  );
} finally {
  await rm(workspace, { recursive: true, force: true });
}
checks.finish('project check');
