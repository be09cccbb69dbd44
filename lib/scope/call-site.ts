import { fileURLToPath } from 'node:url';

/** Frames of the library, and of its other copies, are not where anybody asked for anything. */
const OWN_FOLDER = new URL('..', import.meta.url);
const OWN_FRAMES = [OWN_FOLDER.href, fileURLToPath(OWN_FOLDER), '/node_modules/nestjs-cancelable/'];
const FRAMES = 8;

/** Remembers where the current call comes from; turned into text only when somebody reads it. */
export function captureCallSite(): () => string | undefined {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  try {
    Error.captureStackTrace(holder, captureCallSite);
  } finally {
    Error.stackTraceLimit = limit;
  }
  let isRead = false;
  let site: string | undefined;
  return () => {
    if (!isRead) {
      isRead = true;
      site = firstForeignFrame(holder.stack ?? '');
      holder.stack = '';
    }
    return site;
  };
}

function firstForeignFrame(stack: string): string | undefined {
  return stack
    .split('\n')
    .slice(1)
    .find((frame) => !OWN_FRAMES.some((own) => frame.includes(own)))
    ?.trim()
    .slice(3);
}
