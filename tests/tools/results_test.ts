import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import type { Results } from "lib/notebook/notebook.ts";
import { readmeResults, RESULTS_DIFFER, resultsTable, withResults } from "lib/tools/results.ts";
import { FIGURES, notebookNames } from "lib/tools/workspace.ts";
import { permitted } from "./fixtures.ts";

const results = (notebook: string, headline: Results["headline"], profile: Results["profile"]) =>
  [notebook, { notebook, headline, profile } as Results] as const;

const row = { question: "how many?", paper: "9", notebook: "a", here: "{exact} of {all}" };

Deno.test("resultsTable() fills rows with headline numbers, and says which profile they are of", () => {
  const full = new Map([results("a", { exact: 10, all: "11 (n = 2)" }, "full")]);
  assertEquals(
    resultsTable(full, [row]),
    `| question | paper | here |
| --- | --- | --- |
| how many? | 9 | [10 of 11 (n = 2)](notebooks/a.ipynb) |

Profile full; rates with their 95 % interval.`,
  );
  const mixed = new Map([...full, results("b", {}, "quick")]);
  assertStringIncludes(resultsTable(mixed, [row]), "Profile full, but quick for b;");
});

Deno.test("resultsTable() says which notebook took the most memory", () => {
  const [[, a], [, b]] = [results("a", {}, "full"), results("b", {}, "full")];
  const table = (...all: Results[]) =>
    resultsTable(new Map(all.map((one) => [one.notebook, one])), []).split("\n").at(-1);
  assertEquals(table(a, b), "Profile full; rates with their 95 % interval.");
  const memory = " Memory: at most 900 MB (b).";
  assertEquals(
    table(a, { ...b, peakMB: 900 }, { ...a, notebook: "c", peakMB: 80 }),
    "Profile full; rates with their 95 % interval." + memory,
  );
});

Deno.test("resultsTable() names the number that is missing", () => {
  const message = 'a has no number "all"';
  assertThrows(
    () => resultsTable(new Map([results("a", { exact: 1 }, "full")]), [row]),
    Error,
    message,
  );
  assertThrows(() => resultsTable(new Map(), [row]), Error, 'a has no number "exact"');
});

Deno.test("withResults() replaces what stands between the markers and nothing else", () => {
  const [begin, end] = [
    "<!-- results: written by deno task reproduce, do not edit -->\n<!-- deno-fmt-ignore-start -->",
    "<!-- deno-fmt-ignore-end -->\n<!-- /results -->",
  ];
  const readme = `# Title\n\n${begin}\n\nedited by hand\n\n${end}\n\nthe end\n`;
  const once = withResults(readme, "| table |");
  assertEquals(once, readme.replace("edited by hand", "| table |"));
  assertEquals(withResults(once, "| table |"), once);
  assertThrows(() => withResults(`${end} ${begin}`, ""), Error, "are missing");
});

Deno.test({
  name: "no notebook took more than 2 GB on two cores", // each Worker more takes its own
  ignore: !permitted,
  fn: async () => {
    for (const name of notebookNames("")) {
      const text = await Deno.readTextFile(join(FIGURES, name, "results.json"));
      const { peakMB = 0, machine } = JSON.parse(text);
      assert(machine.cores > 2 || peakMB <= 2048, `${name}: ${peakMB} MB`);
    }
  },
});

Deno.test({
  name:
    "README's results are those of figures/*/results.json, at most 8 rows of at most 12 words a cell",
  ignore: !permitted,
  fn: async () => {
    const { readme, expected } = await readmeResults();
    assertEquals(readme, expected, RESULTS_DIFFER);
    const rows = readme.split("<!-- results:")[1].split("<!-- /results -->")[0]
      .split("\n").filter((line) => line.startsWith("| ")).slice(2);
    assert(rows.length > 0 && rows.length <= 8, `${rows.length} rows`);
    for (const row of rows) {
      const cells = row.slice(2, -2).split(" | ");
      assertEquals(cells.length, 3, row);
      for (const cell of cells) {
        const words = cell.replace(/\]\(.*$/, "").split(/\s+/).filter((word) =>
          /[\p{L}\d]/u.test(word)
        );
        assert(words.length <= 12, `${words.length} words in "${cell}"`);
      }
    }
  },
});
