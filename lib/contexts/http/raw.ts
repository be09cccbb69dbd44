/** Fastify wraps what Express hands out as it is. */
export function rawOf<Raw>(wrapped: object): Raw {
  return ((wrapped as { raw?: unknown }).raw ?? wrapped) as Raw;
}
