/** The codes of `import()` and `require()` for a package that is not installed. */
const NOT_FOUND = new Set<unknown>(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/**
 * Loads a package that only some applications have.
 *
 * @param needs what needs it, for the message
 * @throws Error that says what to install
 */
export async function loadPeer<Module>(
  name: string,
  needs: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(name, error)) throw error;
    throw new Error(`${needs} needs the package ${name}: npm install ${name}`, {
      cause: error,
    });
  }
}

/**
 * Loads a package that another can stand in for.
 *
 * @returns `undefined` where it is not installed
 */
export async function loadIfInstalled<Module>(
  name: string,
  load: () => Promise<Module>,
): Promise<Module | undefined> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(name, error)) throw error;
    return undefined;
  }
}

function isMissing(name: string, error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return NOT_FOUND.has(code) && String(message).includes(`'${name}'`);
}
