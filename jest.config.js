import swc from './swc.config.js';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-cancelable$': '<rootDir>/lib/index.ts',
    '^nestjs-cancelable/(?!package\\.json$)(.+)$': '<rootDir>/lib/$1/index.ts',
  },
  transform: {
    '^.+\\.ts$': ['@swc/jest', swc],
  },
  maxWorkers: 2,
  testTimeout: 60_000,
};
