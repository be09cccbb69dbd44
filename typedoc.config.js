import { OptionDefaults } from 'typedoc';

/** The API reference: `npm run docs:api` writes it to docs-api/. */
export default {
  entryPoints: ['lib/index.ts', 'lib/*/index.ts'],
  tsconfig: 'tsconfig.build.json',
  out: 'docs-api',
  readme: 'none',
  name: 'nestjs-cancelable',
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  treatWarningsAsErrors: true,
  // Links to sources would need a remote, whose absence is a warning that hides all others.
  disableSources: true,
  // Helpers behind public types, which say nothing that these do not.
  intentionallyNotExported: [
    'Check',
    'EXCLUSIVE_SCOPES',
    'NameCounters',
    'ON_CONFLICT',
    'ON_DISCONNECT',
    'ON_SHUTDOWN',
    'OPERATION_KINDS',
    'OPERATION_STATUSES',
    'SETTLE_MODES',
    'Subject',
  ],
  modifierTags: [...OptionDefaults.modifierTags, '@publicApi'],
};
