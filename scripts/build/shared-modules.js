import process from 'node:process';

const version = 'VERSION';
const build = 'BUILD';

/**
 * What the copies of this package in a process have in common: its ES modules, its CommonJS build, and
 * further installations of the same build. Each module is evaluated once and given to all of them, so
 * that they have one storage, one set of classes and one runtime. Other versions keep to themselves.
 */
const copies = (globalThis[Symbol.for('nestjs-cancelable:1')] ??= new Map());
const modules = modulesOf(`${version} ${build}`);

function modulesOf(key) {
  let found = copies.get(key);
  if (found === undefined) {
    copies.set(key, (found = new Map()));
    if (copies.size > 1) warn();
  }
  return found;
}

function warn() {
  const loaded = [...copies.keys()].map((key) => key.split(' ', 1)[0]).join(' and ');
  process.emitWarning(
    `nestjs-cancelable is loaded more than once, as ${loaded}: operations of one are not seen by the other. Install one version (npm ls nestjs-cancelable shows who needs which).`,
    { type: 'CancelableWarning', code: 'CANCELABLE_VERSIONS' },
  );
}

/**
 * What a module exports: what it exported to the first copy whose imports were the same, or what it
 * makes now. A module whose imports differ, say for a second copy of Nest, is another one.
 */
export function shared(name, imports, evaluate) {
  let known = modules.get(name);
  if (known === undefined) modules.set(name, (known = []));
  const found = known.find(
    (entry) =>
      entry.imports.length === imports.length &&
      entry.imports.every((each, index) => each === imports[index]),
  );
  if (found !== undefined) return found.exports;
  const exports = evaluate();
  known.push({ imports, exports });
  return exports;
}
