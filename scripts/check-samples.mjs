// Starts each sample as a reader does, by the projects of nest-cli.json: the first one and the default
// with `nest start`, which compiles all of them, the others from what it compiled.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checks, root, tool, whileRunning } from './support.mjs';

const { projects } = JSON.parse(readFileSync(join(root, 'nest-cli.json'), 'utf8'));
const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
const checks = new Checks();

/** Runs until the line that tells the address, asks there for anything, and stops. */
const starts = (args) =>
  whileRunning(
    process.execPath,
    args,
    { cwd: root, env: { PORT: '0' }, ready: /http:\/\/[^\s/]+/ },
    async ({ printed }) => {
      const [url] = /http:\/\/[^\s/]+/.exec(printed());
      const { status } = await fetch(url);
      if (![200, 404].includes(status)) throw new Error(`${url} answered ${status}`);
    },
  );

await checks.run('nest build', async () => {
  await tool('nest', 'build');
  for (const { entryFile } of Object.values(projects)) {
    const file = join(root, 'dist-sample', `${entryFile}.js`);
    if (!existsSync(file)) throw new Error(`there is no ${file}`);
  }
});
const [first] = Object.keys(projects);
await checks.run('nest start', () => starts([nest, 'start']));
await checks.run(`nest start ${first}`, () => starts([nest, 'start', first]));
for (const [name, { entryFile }] of Object.entries(projects).slice(1)) {
  await checks.run(name, () => starts([`dist-sample/${entryFile}.js`]));
}
checks.finish('samples');
