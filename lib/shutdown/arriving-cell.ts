import { ContextCell } from '../scope/context.js';

/** The context of what comes while the application drains, before it is known what it is. */
export class ArrivingCell extends ContextCell {
  constructor() {
    super(undefined);
  }

  override get isArriving(): boolean {
    return true;
  }
}
