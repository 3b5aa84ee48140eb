import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { checkCells, checkNotebook, checkRecord } from "lib/cli/check_notebooks.ts";
import { codeCells } from "lib/cli/ipynb.ts";
import { notebookModule } from "lib/cli/notebook_module.ts";
import { notebookOf, permitted, withFolder } from "./fixtures.ts";

Deno.test("notebookModule() locates a line of the module in its cell", () => {
  const module = notebookModule(notebookOf("const a = 1;\nconst b = 2;", "", "const c = 3;"));
  assertEquals(module.text, "const a = 1;\nconst b = 2;\nconst c = 3;\n");
  assertEquals(module.locate(2, 7), { number: 1, line: 2, column: 7, trailing: false });
  assertEquals(module.locate(3, 1), { number: 3, line: 1, column: 1, trailing: false });
  assertEquals(module.locate(9, 1).number, 3);
});

Deno.test("notebookModule() gives a last expression the type void, its columns mapped back", () => {
  const notebook = notebookOf("let a = 1; a + 1;");
  const module = notebookModule(notebook, [{ number: 1, line: 1, column: 12 }]);
  const inserted = "export const cell1: void = ";
  assertEquals(module.text, `let a = 1; ${inserted}a + 1;\n`);
  assertEquals(module.locate(1, 5).column, 5);
  assertEquals(module.locate(1, 12), { number: 1, line: 1, column: 12, trailing: true });
  assertEquals(module.locate(1, 12 + inserted.length + 4).column, 16);
});

Deno.test("checkRecord() wants each code cell run once, in order and without an error", () => {
  const notebook = notebookOf("const a = 1;", "const b = 2;");
  assertEquals(checkRecord(notebook).length, 2);
  const [first, second] = codeCells(notebook).map(({ cell }) => cell);
  first.execution_count = 1;
  second.execution_count = 3;
  assertEquals(checkRecord(notebook), ["cell 2: execution count 3, not 2: run it all again"]);
  second.execution_count = 2;
  assertEquals(checkRecord(notebook), []);
  second.outputs = [{ output_type: "error", ename: "Error", evalue: "", traceback: [] }];
  assertEquals(checkRecord(notebook), ["cell 2: it holds an error output"]);
  second.outputs = [{ output_type: "stream", name: "stdout", text: "file:///a/b.ts" }];
  assertEquals(checkRecord(notebook), ["cell 2: its output shows an absolute path"]);
  second.outputs = [];
  delete notebook.metadata.language_info;
  assertStringIncludes(checkRecord(notebook).join(), "language_info");
});

Deno.test({
  name: "checkCells() maps type errors, lint and redeclarations back to cell and line",
  ignore: !permitted,
  fn: async () => {
    const problems = await checkCells(notebookOf(
      `import { parseCommand } from "lib/cli/args.ts";`,
      `\nconst a: number = "text";`,
      "const a = parseCommand;\nconsole.log(a);",
      "const unused = 1;\nconst _meant = 2;",
      `import { nothing } from "lib/cli/nowhere.ts";\nnothing();`,
    ));
    const expected = [
      ["cell 2, line 2:7: TS2322", "not assignable to type 'number'"],
      ["cell 3, line 1:7: TS2451", "Cannot redeclare"],
      ["cell 4, line 1:7: `unused` is never used", "no-unused-vars"],
      ["cell 5, line 1:", "Cannot find module"],
    ];
    for (const [place, text] of expected) {
      const found = problems.find((problem) => problem.startsWith(place)) ?? problems.join("\n");
      assertStringIncludes(found, place);
      assertStringIncludes(found, text);
    }
    assertEquals(problems.some((problem) => problem.includes("_meant")), false);
  },
});

Deno.test({
  name: "checkCells() refuses a bare last expression, and lets an awaited void be",
  ignore: !permitted,
  fn: async () => {
    const problems = await checkCells(notebookOf(
      "const a = await Promise.resolve(1);\na +\n  1;",
      "const later = Promise.resolve();\nlater;",
      "await later;",
      "console.log(a);",
      "a + 1;\nconst b = a;\nconsole.log(b);",
    ));
    assertEquals(problems.map((problem) => problem.split(":")[0]), [
      "cell 1, line 2",
      "cell 2, line 2",
    ]);
    for (const problem of problems) assertStringIncludes(problem, "bare expression");
  },
});

Deno.test({
  name: "checkCells() names the place of a syntax error",
  ignore: !permitted,
  fn: async () => {
    const [problem] = await checkCells(notebookOf("console.log(1);", "\nconst a = = 1;"));
    assertStringIncludes(problem, "cell 2, line 2:11");
  },
});

Deno.test({
  name: "checkCells() names the cells that are not formatted, Markdown included",
  ignore: !permitted,
  fn: async () => {
    const notebook = notebookOf("console.log(1);", "console.log( 2 )", "text");
    notebook.cells[2] = { cell_type: "markdown", id: "m", metadata: {}, source: "*  item" };
    assertEquals((await checkCells(notebook)).map((problem) => problem.split(":")[0]), [
      "cell 2",
      "cell 3",
    ]);
  },
});

Deno.test({
  name: "checkNotebook() reports a corrupt file as a problem",
  ignore: !permitted,
  fn: () =>
    withFolder(async (directory) => {
      const path = join(directory, "a.ipynb");
      await Deno.writeTextFile(path, "{");
      const [problem] = await checkNotebook(path);
      assertStringIncludes(problem, "Cannot read a.ipynb: it is no JSON");
    }),
});
