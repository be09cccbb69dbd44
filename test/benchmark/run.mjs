import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { suites } from './suites/index.mjs';
import { median } from './suites/support.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const results = {};

for (const suite of suites) {
  if (options.only !== undefined && !options.only.includes(suite.name)) continue;
  const samples = new Map(suite.variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const variant of suite.variants) {
      samples.get(variant).push(await measure(suite.name, variant));
      if (!options.json) process.stderr.write('.');
    }
  }
  if (!options.json) process.stderr.write('\n');
  const medians = Object.fromEntries(
    [...samples].map(([variant, all]) => [variant, medianOfEach(all)]),
  );
  const rows = suite.report(medians);
  results[suite.name] = { medians, rows };
  if (!options.json) print(suite, rows);
}
if (options.json)
  process.stdout.write(`${JSON.stringify({ node: process.version, results }, null, 2)}\n`);

/** One variant in a process of its own. @returns its numbers by name */
function measure(suite, variant) {
  const script = fileURLToPath(new URL('measure.mjs', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', script, suite, variant], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${suite}/${variant} ended with code ${code}`));
      resolve(JSON.parse(output.trim().split('\n').at(-1)));
    });
  });
}

function medianOfEach(samples) {
  return Object.fromEntries(
    Object.keys(samples[0]).map((key) => [key, median(samples.map((sample) => sample[key]))]),
  );
}

function print({ title }, rows) {
  console.log(`\n${title}`);
  const columns = Object.keys(rows[0]);
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => String(row[column] ?? '').length)),
  );
  const line = (cells) =>
    `  ${cells.map((cell, index) => (index === 0 ? String(cell).padEnd(widths[index]) : String(cell).padStart(widths[index]))).join('  ')}`;
  console.log(line(columns));
  for (const row of rows) console.log(line(columns.map((column) => row[column] ?? '')));
}
