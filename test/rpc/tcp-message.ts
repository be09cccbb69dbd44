/** A message as Nest's client over TCP writes it. */
export function message(pattern: string, data: unknown, id: string): string {
  const text = JSON.stringify({ pattern, data, id });
  return `${text.length}#${text}`;
}
