import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** A line that the code writes: what is only known later is `…`. */
export interface LogCall {
  readonly level: string;
  readonly text: string;
  readonly at: string;
}

const LEVELS = new Set(['log', 'debug', 'warn', 'error']);
const LATER = '…';

/** Every call of a log in a file whose text stands there. */
export function logCallsIn(path: string): LogCall[] {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.ESNext,
    true,
  );
  const calls: LogCall[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { expression: log, name } = node.expression;
      const [message] = node.arguments;
      if (
        LEVELS.has(name.text) &&
        message !== undefined &&
        /\b(log|SafeLog.*|Logger\(.*)$/s.test(log.getText())
      ) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        const text = textOf(message);
        // The text of a line that was made elsewhere is not known.
        if (text !== LATER) calls.push({ level: name.text, text, at: `${path}:${line + 1}` });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return calls;
}

function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(LATER);
  }
  if (ts.isBinaryExpression(node)) return textOf(node.left) + textOf(node.right);
  if (ts.isIdentifier(node)) return initialTextOf(node);
  return LATER;
}

/** The text of a constant that is declared in a block around it. */
function initialTextOf(name: ts.Identifier): string {
  for (let node: ts.Node = name; node !== undefined; node = node.parent) {
    if (!ts.isBlock(node)) continue;
    for (const statement of node.statements.filter(ts.isVariableStatement)) {
      for (const { name: own, initializer } of statement.declarationList.declarations) {
        if (own.getText() !== name.text || initializer === undefined) continue;
        if (ts.isStringLiteralLike(initializer) || ts.isTemplateExpression(initializer))
          return textOf(initializer);
      }
    }
  }
  return LATER;
}
