import { register } from 'node:module';

/** Makes a package as good as not installed, for what is imported afterwards. */
export function hidePackage(name: string): void {
  const hooks = `export async function resolve(specifier, context, next) {
    if (specifier !== '${name}') return next(specifier, context);
    throw Object.assign(new Error("Cannot find package '${name}' imported from here"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
