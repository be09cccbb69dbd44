import type { Member } from './members.js';

/** What one instance answered. */
export interface Reply {
  readonly from: Member;
  /** What the question failed with there. */
  readonly problem: string | undefined;
  readonly body: unknown;
}

/** What became of a question. */
export interface Outcome {
  readonly replies: readonly Reply[];
  /** Those that should have answered, this instance included. */
  readonly expected: readonly Member[];
  /** Those that did not. */
  readonly missing: readonly Member[];
  /** Everybody was asked, and has answered. */
  readonly complete: boolean;
  /** Why not everybody could be asked. */
  readonly problem: string | undefined;
}

/** A question that waits for its answers. */
export class Question {
  private readonly expected = new Map<string, Member>();
  private readonly replies = new Map<string, Reply>();
  private settle: ((outcome: Outcome) => void) | undefined;
  readonly outcome: Promise<Outcome>;
  problem: string | undefined = undefined;

  constructor(
    readonly request: string,
    expected: readonly Member[],
    private readonly onOver: (question: Question) => void,
  ) {
    for (const member of expected) this.expected.set(member.id, member);
    this.outcome = new Promise((resolve) => (this.settle = resolve));
  }

  get isOver(): boolean {
    return this.settle === undefined;
  }

  missing(): Member[] {
    return [...this.expected.values()].filter(({ id }) => !this.replies.has(id));
  }

  /** An answer; one that nobody waited for is as good. */
  answered(reply: Reply): void {
    const { from } = reply;
    if (this.isOver || this.replies.has(from.id)) return;
    this.expected.set(from.id, from);
    this.replies.set(from.id, reply);
    this.check();
  }

  /** An instance is gone: there is nothing to wait for. */
  left(id: string): void {
    if (this.replies.has(id)) return;
    this.expected.delete(id);
    this.check();
  }

  check(): void {
    if (this.missing().length === 0 && this.problem === undefined) this.end();
  }

  /** Whatever is there is the outcome. */
  end(): void {
    const { settle } = this;
    if (settle === undefined) return;
    this.settle = undefined;
    const missing = this.missing();
    settle({
      replies: [...this.replies.values()],
      expected: [...this.expected.values()],
      missing,
      complete: missing.length === 0 && this.problem === undefined,
      problem: this.problem,
    });
    this.onOver(this);
  }
}
