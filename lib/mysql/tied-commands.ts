import { callingScope } from '../operation/calling-scope.js';
import { contextStorage } from '../scope/context-storage.js';
import { ownerOf, SharedMethod } from '../scope/shared-method.js';
import { callInContext, letEventsStop } from './events.js';
import type { MysqlSettings } from './mysql-settings.js';
import { type Command, type Connection, type Mysql2Library } from './mysql2-library.js';
import { isPrepare, kindOf, sqlOf } from './statement-kinds.js';
import { TiedCommand } from './tied-command.js';

type AddCommand = (this: Connection, command: Command) => Command;

/** Everything that goes over a connection, also in the promise API, is added to its queue here. */
const addMethod = new SharedMethod<'addCommand', AddCommand, MysqlSettings>(
  'addCommand',
  (below, owners) =>
    function (command) {
      if (owners.size === 0 || this.config.isServer) return below.call(this, command);
      const isStatement = isPrepare(command) || sqlOf(command) !== undefined;
      if (!isStatement && command.onResult === undefined) return below.call(this, command);
      callInContext(command, contextStorage.getStore());
      if (!isStatement) return below.call(this, command);
      const kind = kindOf(sqlOf(command), this.config.multipleStatements === true);
      const caller = kind === 'cleanup' ? undefined : callingScope(owners);
      if (caller === undefined) return below.call(this, command);
      if (command.onResult === undefined) letEventsStop(command);
      const { scope } = caller;
      scope.checkClock();
      const one = new TiedCommand(this, command, caller, kind);
      return one.isOver ? command : below.call(this, command);
    },
);

/** @returns takes it back */
export function tieCommands(
  library: Mysql2Library,
  host: object,
  settings: MysqlSettings,
): () => void {
  return addMethod.replaceOn(ownerOf(library.Connection.prototype, 'addCommand'), host, settings);
}
