import type { CancelableModuleOptions } from 'nestjs-cancelable';

/** Tests leave work behind that never ends: closing their applications does not wait for it. */
export function withQuickShutdown(
  options: CancelableModuleOptions | undefined,
): CancelableModuleOptions {
  return { shutdown: { grace: '1ms', cleanup: '1ms' }, ...options };
}
