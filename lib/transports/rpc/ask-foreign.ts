/** The context of a foreign transport may do anything. @returns `undefined` where it throws */
export function askForeign<Answer>(question: () => Answer): Answer | undefined {
  try {
    return question();
  } catch {
    return undefined;
  }
}
