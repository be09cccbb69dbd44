import { DeadlinedScope } from './deadlined-scope.js';
import type { Lineage } from './operation-parts.js';

/** A scope with an id, and with a place in a tree of such scopes that it remembers when it left. */
export abstract class IdentifiedScope extends DeadlinedScope {
  /** The ids above, once it has left the tree. */
  lineage: Lineage | undefined = undefined;
  /** The topmost of its tree, so that nobody has to climb there; `undefined`: itself. */
  private root: IdentifiedScope | undefined = undefined;
  protected ownId: string | undefined = undefined;

  abstract readonly parentOperation: IdentifiedScope | undefined;
  protected abstract makeId(): string;
  /** It can be found by its id, and no longer by a former one. */
  protected abstract identified(id: string, former: string | undefined): void;

  /** Unguessable; made on first use, since most operations are never asked for it. */
  get id(): string {
    if (this.ownId === undefined) {
      this.ownId = this.makeId();
      this.identified(this.ownId, undefined);
    }
    return this.ownId;
  }

  /** Gives it an id of the user's after it started; the host has agreed. */
  setId(id: string): void {
    const former = this.ownId;
    this.ownId = id;
    this.identified(id, former);
  }

  get hasId(): boolean {
    return this.ownId !== undefined;
  }

  isNamed(id: string): boolean {
    return this.ownId === id;
  }

  get parentId(): string | undefined {
    return this.lineage?.parentId ?? this.parentOperation?.id;
  }

  override get rootId(): string {
    return this.lineage?.rootId ?? this.root?.rootId ?? this.id;
  }

  /** Without making an id that nobody has asked for, and so cannot look for. */
  isChildOf(id: string): boolean {
    if (this.lineage !== undefined) return this.lineage.parentId === id;
    const { parentOperation } = this;
    return parentOperation !== undefined && parentOperation.isNamed(id);
  }

  /** Whether it belongs to the tree of that root, or is the root. */
  isUnder(id: string): boolean {
    if (this.lineage !== undefined) return this.lineage.rootId === id;
    return this.root === undefined ? this.isNamed(id) : this.root.isUnder(id);
  }

  /** Becomes a part of another operation's tree. */
  adoptedBy(parent: IdentifiedScope): void {
    this.root = parent.root ?? parent;
  }

  /** Keeps the ids above as text, while the parents are still known. */
  protected keepLineage(): void {
    const parent = this.parentOperation;
    this.lineage = parent && { parentId: parent.id, rootId: this.rootId };
    this.root = undefined;
  }

  override orphan(): void {
    this.keepLineage();
    super.orphan();
  }
}
