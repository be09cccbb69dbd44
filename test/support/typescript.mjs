// Lets plain Node run TypeScript: `node --import <this file> application.ts`. For what cannot run
// inside jest: signals, exit codes, and CommonJS packages that require() an ES module.
import { register } from 'node:module';

process.setSourceMapsEnabled(true);
register('./typescript-hooks.mjs', import.meta.url);
