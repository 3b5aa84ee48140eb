import { assertEquals, assertStringIncludes } from "@std/assert";
import { notebookSizes, sizeProblems, sizesText } from "./notebook_sizes.ts";
import { notebookOf } from "../tools/fixtures.ts";

const lines = (count: number) => Array.from({ length: count }, (_, i) => `f(${i});`).join("\n");

Deno.test("notebookSizes() counts lines of code cells and words of prose", () => {
  const notebook = notebookOf("a();\nb();\n", "", "c();");
  notebook.cells.push({
    cell_type: "markdown",
    id: "m",
    metadata: {},
    source: "two  words\n\nhere",
  });
  const sizes = notebookSizes(notebook);
  assertEquals(sizes, { cells: [2, 1], words: 3 });
  assertStringIncludes(sizesText(sizes), "2 cells, 3 lines, median 1, longest 2, 1.0 words");
});

Deno.test("sizeProblems() names the notebook with a cell too long, too little prose, and what all exceed", () => {
  const fine = { cells: [5, 10, 25], words: 160 };
  assertEquals(sizeProblems(new Map([["a", fine]])), []);
  const long = notebookSizes(notebookOf(lines(26)));
  const problems = sizeProblems(new Map([["a", fine], ["b", { ...long, words: 200 }]]));
  assertEquals(problems, ["b: a code cell of 26 lines, at most 25"]);
  assertEquals(sizeProblems(new Map([["a", { cells: [4], words: 15 }]])), [
    "a: under 4 words of prose per line of code",
  ]);
  const many = { cells: new Array<number>(182).fill(11), words: 9999 };
  assertEquals(sizeProblems(new Map([["a", many]])), [
    "code cells have 11 lines in the median, at most 10",
    "the notebooks have 2002 lines of code, at most 2000",
  ]);
});
