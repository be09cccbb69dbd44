// Rewrites an ES module so that all copies of the package in a process share it: its body becomes a
// function that is called by the first copy only (see shared-modules.js).
import ts from 'typescript';

const isLocalExport = (statement) =>
  ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined;

/** Whether it stays at the top: what connects modules. */
const connects = (statement) =>
  ts.isImportDeclaration(statement) ||
  (ts.isExportDeclaration(statement) && !isLocalExport(statement));

const modifiers = (statement) =>
  (ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined) ?? [];

const exportKeyword = (statement) =>
  modifiers(statement).find(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

const isDefault = (statement) =>
  ts.isExportAssignment(statement) ||
  modifiers(statement).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);

/** The names that a statement declares. */
function declared(statement) {
  if (!ts.isVariableStatement(statement)) return [statement.name.text];
  return statement.declarationList.declarations.map(({ name }) => {
    if (!ts.isIdentifier(name)) throw new Error(`a pattern is exported: ${name.getText()}`);
    return name.text;
  });
}

function imported(statement) {
  const { importClause } = statement;
  if (importClause === undefined) return [];
  const { name, namedBindings } = importClause;
  const names = name === undefined ? [] : [name.text];
  if (namedBindings === undefined) return names;
  if (ts.isNamespaceImport(namedBindings)) return [...names, namedBindings.name.text];
  return [...names, ...namedBindings.elements.map((element) => element.name.text)];
}

/**
 * @param code what tsc emitted
 * @param name of the module in the package, `scope/token`
 * @param helper where shared-modules.js is, as the module imports it
 */
export function shareModule(code, name, helper) {
  const source = ts.createSourceFile(`${name}.js`, code, ts.ScriptTarget.Latest, true);
  const statements = [...source.statements];
  const body = statements.filter((statement) => !connects(statement));
  const exported = []; // as `outside: inside`
  let text = '';
  for (const statement of body) {
    // What a program starts with has nothing to share.
    if (isDefault(statement)) return code;
    if (isLocalExport(statement)) {
      for (const { name: outside, propertyName } of statement.exportClause.elements) {
        exported.push([outside.text, (propertyName ?? outside).text]);
      }
      continue;
    }
    const keyword = exportKeyword(statement);
    if (keyword === undefined) {
      text += statement.getFullText(source);
      continue;
    }
    exported.push(...declared(statement).map((each) => [each, each]));
    const start = statement.getFullStart();
    text +=
      code.slice(start, keyword.getStart(source)) + code.slice(keyword.end + 1, statement.end);
  }
  if (exported.length === 0) return code;

  const top = statements.filter(connects).map((statement) => statement.getFullText(source));
  const imports = statements.filter(ts.isImportDeclaration).flatMap(imported);
  const outside = exported.map(([out]) => out).join(', ');
  const inside = exported.map(([out, into]) => (out === into ? out : `${out}: ${into}`)).join(', ');
  return `${top.join('').trimStart()}
import { shared as __shared } from '${helper}';
export const { ${outside} } = __shared('${name}', [${imports.join(', ')}], () => {${text}
return { ${inside} };
});
`;
}
