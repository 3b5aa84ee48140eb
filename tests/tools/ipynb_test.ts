import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import {
  cellsNamingPaths,
  codeCells,
  formatIpynb,
  NotebookFormatError,
  parseIpynb,
  readIpynb,
  writeIpynb,
} from "lib/tools/ipynb.ts";
import { notebookOf, permitted, withFolder } from "./fixtures.ts";

/** A notebook as JupyterLab writes it. */
const text = `{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "intro",
   "metadata": {},
   "source": [
    "# Title\\n",
    "\\n",
    "text"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "run",
   "metadata": {
    "tags": []
   },
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "a\\n",
      "b\\n"
     ]
    },
    {
     "data": {
      "application/vnd.plotly.v1+json": {
       "data": []
      },
      "image/png": "aGVs\\nbG8=",
      "text/html": [
       "<p>\\n",
       "</p>"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    }
   ],
   "source": []
  }
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "Deno",
   "language": "typescript",
   "name": "deno"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

Deno.test("formatIpynb() gives back, byte for byte, what parseIpynb() read", () => {
  const notebook = parseIpynb(text);
  assertEquals(notebook.cells[0].source, "# Title\n\ntext");
  assertEquals(formatIpynb(notebook), text);
  assertEquals(formatIpynb(parseIpynb(JSON.stringify(JSON.parse(text)))), text);
});

Deno.test("parseIpynb() refuses what is no nbformat 4.5 notebook, saying why", () => {
  const broken = (change: (raw: ReturnType<typeof JSON.parse>) => void) => {
    const raw = JSON.parse(text);
    change(raw);
    return JSON.stringify(raw);
  };
  const cases: [string, string][] = [
    [text.slice(0, 200), "it is no JSON"],
    ["[]", "no JSON object"],
    [broken((raw) => raw.nbformat = 3), "it is nbformat 3.5, not 4.5"],
    [broken((raw) => raw.nbformat_minor = 4), "it is nbformat 4.4, not 4.5"],
    [broken((raw) => delete raw.cells), "no list of cells"],
    [broken((raw) => delete raw.metadata), "no metadata"],
    [broken((raw) => raw.cells[1].cell_type = "rust"), "cell 2 has the unknown type rust"],
    [broken((raw) => delete raw.cells[0].id), "cell 1 has no id"],
    [broken((raw) => raw.cells[1].id = "intro"), "two of its cells have the same id"],
    [broken((raw) => raw.cells[0].source = 3), "cell 1 is neither text nor a list of lines"],
    [broken((raw) => delete raw.cells[1].outputs), "cell 2 has no outputs list"],
    [broken((raw) => raw.cells[1].outputs[1].data = 1), "cell 2, output 2 has no data"],
    [broken((raw) => raw.cells[1].outputs[0].output_type = "x"), "unknown type x"],
    [broken((raw) => raw.cells[0] = null), "cell 1 is no object"],
  ];
  for (const [input, message] of cases) {
    assertThrows(() => parseIpynb(input), NotebookFormatError, message);
  }
});

Deno.test("codeCells() numbers among all cells and leaves out empty ones", () => {
  const notebook = notebookOf("const a = 1;", " \n", "const b = 2;");
  assertEquals(codeCells(notebook).map(({ number }) => number), [1, 3]);
  assertEquals(codeCells(parseIpynb(text)).length, 0);
});

Deno.test("cellsNamingPaths() finds a path in texts and not in an image's base64", () => {
  const notebook = notebookOf("a", "b");
  const [first, second] = codeCells(notebook).map(({ cell }) => cell);
  first.outputs = [{
    output_type: "display_data",
    data: { "image/png": "x/home/me/y" },
    metadata: {},
  }];
  second.outputs = [{ output_type: "stream", name: "stdout", text: "in /home/me/project" }];
  assertEquals(cellsNamingPaths(notebook, ["/home/me/"]), ["cell 2"]);
});

Deno.test({
  name: "writeIpynb() replaces the file, leaves no other, and deno fmt changes nothing in it",
  ignore: !permitted,
  fn: () =>
    withFolder(async (directory) => {
      const path = join(directory, "a.ipynb");
      await Deno.writeTextFile(path, "old");
      await writeIpynb(path, notebookOf("const a = 1;\nconsole.log(a);"));
      assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["a.ipynb"]);
      const written = await Deno.readTextFile(path);
      assertEquals(formatIpynb(await readIpynb(path)), written);
      await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
      assertEquals(await Deno.readTextFile(path), written);
    }),
});

Deno.test({
  name: "readIpynb() names the corrupt file",
  ignore: !permitted,
  fn: () =>
    withFolder(async (directory) => {
      const path = join(directory, "b.ipynb");
      await Deno.writeTextFile(path, text.slice(0, 99));
      const error = await assertRejects(() => readIpynb(path), NotebookFormatError);
      assertStringIncludes(error.message, "Cannot read b.ipynb: it is no JSON");
    }),
});
