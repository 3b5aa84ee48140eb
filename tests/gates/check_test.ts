import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { checkCells, checkNotebook, checkRecord, checkStart } from "./check_notebooks.ts";
import { codeCells } from "lib/tools/ipynb.ts";
import { Kernel } from "lib/tools/kernel.ts";
import { notebookModule } from "./notebook_module.ts";
import { ROOT } from "lib/tools/workspace.ts";
import { notebookOf, permitted, withFolder } from "../tools/fixtures.ts";

const timeoutMs = 60_000;

Deno.test("notebookModule() locates a line of the module in its cell", () => {
  const module = notebookModule(notebookOf("const a = 1;\nconst b = 2;", "", "const c = 3;"));
  assertEquals(module.text, "const a = 1;\nconst b = 2;\nconst c = 3;\n");
  assertEquals(module.locate(2, 7), { number: 1, line: 2, column: 7, trailing: false });
  assertEquals(module.locate(3, 1), { number: 3, line: 1, column: 1, trailing: false });
  assertEquals(module.locate(9, 1).number, 3);
});

Deno.test("notebookModule() gives a cell's value the type void, its columns mapped back", () => {
  const notebook = notebookOf("if (a) b(); else c();");
  const module = notebookModule(
    notebook,
    [8, 18].map((column) => ({ number: 1, line: 1, column })),
  );
  const inserted = "cellValue = ";
  assertEquals(
    module.text,
    `if (a) ${inserted}b(); else ${inserted}c();\ndeclare let cellValue: void;\n`,
  );
  const { length } = inserted;
  assertEquals(module.locate(1, 5), { number: 1, line: 1, column: 5, trailing: false });
  assertEquals(module.locate(1, 8), { number: 1, line: 1, column: 8, trailing: true });
  assertEquals(module.locate(1, 8 + length), { number: 1, line: 1, column: 8, trailing: false });
  assertEquals(module.locate(1, 18 + length), { number: 1, line: 1, column: 18, trailing: true });
  assertEquals(module.locate(1, 18 + 2 * length + 3).column, 21);
});

Deno.test("checkStart() wants the stop button before all else", () => {
  const first = `import {\n  openNotebook,\n} from "lib/notebook/notebook.ts";`;
  const other = `import { image } from "lib/data/dataset.ts";`;
  assertEquals(checkStart(notebookOf(`${first}\n${other}`)), []);
  const [problem] = checkStart(notebookOf(`${other}\n${first}`));
  assertStringIncludes(problem, "cell 1: it does not begin with the import");
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
      `import { parseCommand } from "lib/tools/args.ts";`,
      `\nconst a: number = "text";`,
      "const a = parseCommand;\nconsole.log(a);",
      "const unused = 1;\nconst _meant = 2;",
      `import { nothing } from "lib/tools/nowhere.ts";\nnothing();`,
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
  name: "checkCells() refuses a value that the kernel would display after any kind of statement",
  ignore: !permitted,
  fn: async () => {
    const displayed = [
      "for (const x of [1]) list.push(x);",
      "for (let i = 0; i < 2; i++) {\n  list.push(i);\n}",
      "while (list.length < 9) list.push(1);",
      "do {\n  list.push(1);\n} while (list.length < 19);",
      "if (list.length > 0) list.push(1);",
      "if (list.length < 0) console.log(1);\nelse list.push(1);",
      "{\n  list.push(1);\n}",
      "{\n  list.push(1);\n  const unseen = 1;\n  class Unseen {}\n}",
      "for (const x of [1]) {\n  if (x > 0) {\n    list.push(x);\n    continue;\n  }\n  console.log(x);\n}",
      "named: for (;;) {\n  list.push(1);\n  break named;\n}",
      "switch (1 as number) {\n  case 1:\n    list.push(1);\n    break;\n}",
      "try {\n  list.push(1);\n} catch {\n  console.log(1);\n}",
      "list.push(1);\nconst after = 1;\nfunction f() {}\nclass C {}\ninterface I {}",
      "list.push(1);\n{}",
      "console.log(1), list.length;",
      `import "lib/math/rng.ts";\nimport { seededRng as _one } from "lib/math/rng.ts";`,
      "list[0] = 1;",
      "list.length < 0 && console.log(1);",
    ];
    const quiet = [
      "for (const x of [1]) {\n  list.push(x);\n  if (x > 0) continue;\n  console.log(x);\n}",
      "for (const x of [1]) console.log(x);",
      "for (const x of [1]) {\n  list.push(x);\n  console.log(x);\n}",
      "if (list.length > 0) { for (const x of list) await later(x); }",
      "list.push(1);\nfor (const x of list) console.log(x);",
      "list.push(1);\nif (list.length > 0) console.log(1);",
      "const f1 = () => list.push(1);\nconsole.log(f1);",
      "{\n  using _none = null;\n  list.push(1);\n  await later(1);\n}",
      "try {\n  console.log(1);\n} finally {\n  list.push(1);\n}",
      `import { secureRng as _two } from "lib/math/rng.ts";`,
      "function g() {\n  return list.push(1);\n}",
    ];
    const start = "const list: number[] = [];\nconst later = (x: number): Promise<void> =>" +
      " Promise.resolve(console.log(x));";
    await using kernel = await Kernel.start(ROOT);
    await kernel.execute(start, { timeoutMs });
    for (const [list, expected] of [[displayed, true], [quiet, false]] as const) {
      for (const cell of list) {
        const { outputs } = await kernel.execute(cell, { timeoutMs });
        const found = outputs.some(({ output_type }) => output_type === "execute_result");
        assertEquals(found, expected, `the kernel itself, after: ${cell}`);
      }
    }
    const problems = (await checkCells(notebookOf(start, ...displayed, ...quiet)))
      .filter((problem) => /bare expression|module of this import/.test(problem))
      .map((problem) => parseInt(problem.slice("cell ".length)));
    const numbers = [...new Set(problems)].sort((a, b) => a - b);
    assertEquals(numbers, displayed.map((_, k) => k + 2));
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
