import { register } from 'node:module';

/** As where piscina is not installed. */
const hooks = `export async function resolve(specifier, context, next) {
  if (specifier !== 'piscina') return next(specifier, context);
  throw Object.assign(new Error("Cannot find package 'piscina' imported from here"), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { createThreadPool, runInThread } = await import('nestjs-cancelable/worker');
const message = await createThreadPool().catch((error: Error) => error.message);
console.log(JSON.stringify({ message, loaded: typeof runInThread }));
