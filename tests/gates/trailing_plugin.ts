/** A lint plugin for single cells: reports each expression whose value may become the cell's, as the language
 * has it: the last statement's, where a declaration has none, and that of a loop, a branch or a block is the
 * last of what ran in it. Whether the kernel would display it is for the type checker to say (see
 * `notebook_module.ts`).
 * @see ECMA-262, UpdateEmpty and the completion values of statements.
 * @module */

type Statement = Deno.lint.Statement;
type Valued = Deno.lint.Expression | Deno.lint.ImportDeclaration;

/** What is said of an import without names: the kernel makes `await import(…)` of it. */
export const BARE_IMPORT = "the cell's value may be the module of this import: name what it is for";

/** The expressions that may give a statement its value; null where it has none, so that the value of the
 * statement before it stands. */
function valuesOf(node: Statement): Valued[] | null {
  switch (node.type) {
    case "ExpressionStatement": {
      const { expression } = node;
      return expression.type === "SequenceExpression"
        ? expression.expressions.slice(-1)
        : [expression];
    }
    case "ImportDeclaration":
      return node.specifiers.length === 0 ? [node] : null;
    case "BlockStatement":
      return valuesOfList(node.body);
    case "IfStatement":
      return [node.consequent, node.alternate].flatMap((one) => one ? valuesOf(one) ?? [] : []);
    case "ForStatement":
    case "ForInStatement":
    case "ForOfStatement":
    case "WhileStatement":
    case "DoWhileStatement":
      return valuesOf(node.body) ?? [];
    case "LabeledStatement":
      return valuesOf(node.body);
    case "SwitchStatement":
      return node.cases.flatMap(({ consequent }) => valuesOfList(consequent) ?? []);
    case "TryStatement":
      return [node.block, node.handler?.body].flatMap((one) => one ? valuesOf(one) ?? [] : []);
    default:
      return null;
  }
}

function valuesOfList(list: readonly Statement[]): Valued[] | null {
  const found = list.map(valuesOf);
  const last = found.findLastIndex((values) => values !== null);
  if (last < 0) return null;
  // A jump out of a statement before the last leaves the list with that statement's value.
  return found.flatMap((values, at) => at === last || jumps(list[at]) ? values ?? [] : []);
}

/** Whether the statement may jump out of itself. A jump that stays within a loop of its own is not looked for. */
function jumps(node: Statement): boolean {
  switch (node.type) {
    case "BreakStatement":
    case "ContinueStatement":
      return true;
    case "BlockStatement":
      return node.body.some(jumps);
    case "IfStatement":
      return jumps(node.consequent) || (node.alternate ? jumps(node.alternate) : false);
    case "LabeledStatement":
      return jumps(node.body);
    case "SwitchStatement":
      return node.cases.some(({ consequent }) => consequent.some(jumps));
    case "TryStatement":
      return [node.block, node.handler?.body, node.finalizer].some((one) => one && jumps(one));
    default:
      return false;
  }
}

export default {
  name: "notebook",
  rules: {
    "trailing-expression": {
      create(context) {
        return {
          Program({ body }) {
            for (const node of valuesOfList(body as Statement[]) ?? []) {
              const message = node.type === "ImportDeclaration"
                ? BARE_IMPORT
                : "the cell's value may be that of this expression";
              context.report({ node, message });
            }
          },
        };
      },
    },
  },
} satisfies Deno.lint.Plugin;
