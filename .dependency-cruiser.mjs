import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/**
 * The direction of imports: a folder of lib imports only what is named here beside itself. Every
 * folder of lib that is not named is the entry point of a sub-path, with the rules of one.
 *
 * A new layer is one line; a type-only import counts as an import. `lazy` layers may load other
 * packages by a dynamic import.
 */
export const layers = {
  scope: { imports: [], nest: [] },
  streams: { imports: ['scope'], nest: [] },
  operation: { imports: ['scope', 'streams'], nest: [] },
  sources: { imports: ['scope', 'operation'], nest: [] },
  cluster: { imports: ['scope', 'operation'], nest: [] },
  registry: { imports: ['scope', 'streams', 'operation', 'sources', 'cluster'], nest: ['common'] },
  telemetry: { imports: ['scope', 'operation', 'registry'], nest: [] },
  methods: {
    imports: ['scope', 'streams', 'operation', 'sources', 'registry'],
    nest: ['common', 'core'],
  },
  transports: {
    imports: ['scope', 'streams', 'operation', 'registry', 'methods'],
    nest: ['common', 'core'],
    lazy: true,
  },
  shutdown: {
    imports: ['scope', 'operation', 'sources', 'registry', 'methods', 'transports'],
    nest: ['common', 'core'],
  },
};

/** Beside Nest, what a user of the root entry point has installed. */
const rootPackages = [...Object.keys(manifest.dependencies), 'reflect-metadata', 'rxjs'];

const oneOf = (names) => `(?:${names.join('|')})`;
const folder = (name) => `^lib/${name}/`;
const modulesOf = (names) => `node_modules/${oneOf(names)}/`;

const anyLayer = folder(oneOf(Object.keys(layers)));
const topFile = '^lib/[^/]+\\.ts$';
const npm = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg'];

/** A package that may be absent, such as a transport, is reached by a dynamic import. */
const staticImports = { dynamic: false };

const layerRules = Object.entries(layers).flatMap(([name, { imports, nest, lazy }]) => [
  {
    name: `${name}-imports-downwards`,
    comment: `lib/${name} may import from lib: ${[name, ...imports].join(', ')}`,
    severity: 'error',
    from: { path: folder(name) },
    to: { path: '^lib/', pathNot: [name, ...imports].map(folder) },
  },
  {
    name: `${name}-packages`,
    comment: `lib/${name} may import from Nest: ${nest.join(', ') || 'nothing'}`,
    severity: 'error',
    from: { path: folder(name) },
    to: {
      dependencyTypes: npm,
      ...(lazy ? staticImports : {}),
      pathNot: [
        modulesOf([
          ...rootPackages,
          ...rootPackages.map((each) => `@types/${each}`),
          '@types/node',
        ]),
        ...(nest.length > 0 ? [modulesOf(nest.map((each) => `@nestjs/${each}`))] : []),
      ],
    },
  },
]);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A circle of imports: move what both sides need into a file below them.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    ...layerRules,
    {
      name: 'sub-path-stands-alone',
      comment: 'The folder of a sub-path imports layers, never another sub-path or the wiring.',
      severity: 'error',
      from: { path: '^lib/([^/]+)/', pathNot: [anyLayer] },
      to: { path: '^lib/', pathNot: ['^lib/$1/', anyLayer] },
    },
    {
      name: 'root-without-sub-paths',
      comment: 'The wiring and the root entry point never load a sub-path.',
      severity: 'error',
      from: { path: topFile },
      to: { path: '^lib/[^/]+/', pathNot: [anyLayer] },
    },
    {
      name: 'root-packages',
      comment: `The root imports @nestjs/common, @nestjs/core, ${rootPackages.join(', ')} only.`,
      severity: 'error',
      from: { path: topFile },
      to: {
        dependencyTypes: npm,
        ...staticImports,
        pathNot: [modulesOf(['@nestjs/common', '@nestjs/core', ...rootPackages])],
      },
    },
    {
      name: 'entry-point-not-imported',
      comment: 'Inside lib, import the file that has the thing, not an entry point.',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^lib/(?:index|.+/index)\\.ts$' },
    },
    {
      name: 'lib-stands-alone',
      comment: 'What is published imports nothing from tests, samples or scripts.',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(?:test|sample|scripts|dist)/' },
    },
    {
      name: 'sample-uses-the-package-name',
      comment: 'A sample imports nestjs-cancelable as its users do.',
      severity: 'error',
      from: { path: '^sample/' },
      to: { path: '^(?:lib|test)/', dependencyTypesNot: ['aliased'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:dist|dist-sample|dist-test|coverage)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
  },
};
