/** Milliseconds after a question came last: it is repeated every second, until it is answered. */
const KEPT_FOR = 60_000;
const MOST_KEPT = 10_000;

interface Kept<Answer> {
  readonly answer: Promise<Answer>;
  readonly since: number;
}

/**
 * Answers to questions that change something, by the question: one that comes twice is answered
 * the same, and not acted on again.
 */
export class KeptAnswers<Answer> {
  private readonly kept = new Map<string, Kept<Answer>>();

  constructor(private readonly now: () => number) {}

  answer(key: string, make: () => Promise<Answer>): Promise<Answer> {
    const known = this.kept.get(key);
    if (known === undefined) this.forget();
    const answer = known?.answer ?? make();
    // Kept for as long as it is asked, the least recent first.
    this.kept.delete(key);
    this.kept.set(key, { answer, since: this.now() });
    return answer;
  }

  private forget(): void {
    const oldest = this.now() - KEPT_FOR;
    for (const [key, { since }] of this.kept) {
      if (since >= oldest && this.kept.size < MOST_KEPT) return;
      this.kept.delete(key);
    }
  }
}
