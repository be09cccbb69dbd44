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
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (!NOT_FOUND.has(code) || !String(message).includes(`'${name}'`)) throw error;
    throw new Error(`${needs} needs the package ${name}: npm install ${name}`, {
      cause: error,
    });
  }
}
