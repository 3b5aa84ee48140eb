/** A lint plugin for single cells: reports a last statement that is an expression. Whether the kernel
 * would display its value is for the type checker to say (see `notebook_module.ts`).
 * @module */
export default {
  name: "notebook",
  rules: {
    "trailing-expression": {
      create(context) {
        return {
          Program({ body }) {
            const last = body.at(-1);
            if (last?.type !== "ExpressionStatement") return;
            context.report({ node: last, message: "the cell ends in an expression" });
          },
        };
      },
    },
  },
} satisfies Deno.lint.Plugin;
