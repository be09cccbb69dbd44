// Prints `N passed, N failed, N skipped` from the JSON results of jest.
import { readFileSync } from 'node:fs';

const [file] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
if (text === '') {
  console.log('The test runner left no results.\n0 passed, 1 failed, 0 skipped');
  process.exit(1);
}

const results = JSON.parse(text);
// A suite that cannot even be loaded has no tests of its own to count as failed.
const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
const skipped = results.numPendingTests + results.numTodoTests;
console.log(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && results.success ? 0 : 1);
