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
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`${needs} needs the package ${name}. Install it: npm install ${name}`, {
      cause: error,
    });
  }
}
