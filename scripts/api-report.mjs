// Writes what users may rely on, one report for each entry point, into api/. Fails where a public name,
// member or option has no sentence; with --check, also where the reports have changed. Reads dist/.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { root } from './support.mjs';

const isCheck = process.argv.includes('--check');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const folder = join(root, 'api');
const temporary = join(root, 'node_modules/.cache/api');

/** The entry points, by the name of their report. */
const entries = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path, target]) => [
    path === '.' ? 'index' : path.slice(2),
    join(root, target.import.types),
  ]);

mkdirSync(folder, { recursive: true });
mkdirSync(temporary, { recursive: true });
const problems = [];

for (const [name, types] of entries) {
  const config = ExtractorConfig.prepare({
    configObject: {
      mainEntryPointFilePath: types,
      projectFolder: root,
      compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: folder,
        reportTempFolder: temporary,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          'ae-undocumented': { logLevel: 'warning' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
        compilerMessageReporting: { default: { logLevel: 'none' } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: !isCheck,
    messageCallback(message) {
      message.handled = true;
      if (message.messageId === 'ae-undocumented' || message.logLevel === 'error') {
        problems.push(`nestjs-cancelable/${name}: ${message.text}`);
      }
    },
  });
  if (isCheck && apiReportChanged) {
    problems.push(
      `nestjs-cancelable/${name}: the public API has changed. Run npm run api, look at what git diff api ` +
        'says, and commit it.',
    );
  }
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
