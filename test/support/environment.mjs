import { runInContext } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/** Names of the language, and of Node, which stay what they are. */
const KEPT = `
  AggregateError Array ArrayBuffer Atomics BigInt Boolean Buffer DataView Error FinalizationRegistry
  Function Int32Array JSON Map Math Number Object Promise Proxy RangeError ReferenceError Reflect
  RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URL Uint8Array WeakMap WeakRef
  WeakSet isNaN process
`;
/** Names that stand for something else while jest plays the clock. */
const PLAYED = `
  Date clearImmediate clearInterval clearTimeout performance queueMicrotask setImmediate setInterval
  setTimeout
`;

const listOf = (names) => names.trim().split(/\s+/).join(', ');

/**
 * Node as jest has it, with quick names. Each time that code names a global, such as `Object`, jest
 * looks it up through a proxy, which takes longer than most of what is tested here. What a script
 * has declared is found before that.
 */
export default class QuickEnvironment extends TestEnvironment {
  constructor(...settings) {
    super(...settings);
    const { context, fakeTimersModern: clock } = this;
    runInContext(`const { ${listOf(KEPT)} } = globalThis;`, context);
    runInContext(`let { ${listOf(PLAYED)} } = globalThis;`, context);
    for (const change of ['useFakeTimers', 'useRealTimers']) {
      const own = clock[change].bind(clock);
      clock[change] = (...options) => {
        own(...options);
        runInContext(`({ ${listOf(PLAYED)} } = globalThis);`, context);
      };
    }
  }
}
