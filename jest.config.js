import swc from './swc.config.js';

/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    // Threads of plain Node load the compiled copy, and not the sources.
    '^\\./own-file\\.js$': '<rootDir>/test/worker/own-file.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-cancelable$': '<rootDir>/lib/index.ts',
    '^nestjs-cancelable/(?!package\\.json$)(.+)$': '<rootDir>/lib/$1/index.ts',
  },
  // A second copy of the sources, for what runs outside jest.
  globalSetup: '<rootDir>/test/support/compile.mjs',
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', swc],
  },
  maxWorkers: 2,
  // What a file has loaded stays with its worker, which is slower the more it has.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 60_000,
};
