import { assertEquals, assertRejects } from "@std/assert";
import { basisText, claimProblems, readClaims, readmeProblems } from "./check_claims.ts";
import { sweepingWord } from "lib/notebook/notebook.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";

Deno.test("sweepingWord() finds what speaks for all draws, and nothing else", () => {
  const found = {
    "TV returns every digit": "every",
    "It Never fails": "Never",
    "no image exact": "no image",
    "gives all ten digits back": "all ten digits",
    "20 of 20 exact": "20 of 20",
    "all programs solved": "all programs",
  };
  for (const [text, word] of Object.entries(found)) assertEquals(sweepingWord(text), word);
  for (const text of ["19 of 20", "2 of 20", "everything", "nevertheless", "96 % of images"]) {
    assertEquals(sweepingWord(text), null, text);
  }
});

Deno.test("claimProblems() names claims that say more than they rest on", () => {
  const claim = { holds: true, statement: "every image is exact" };
  const rate = { ...claim, statement: "at least 90 % exact", n: 500, low: 0.94, high: 0.97 };
  assertEquals(claimProblems([{ ...claim, exact: true }, rate]), []);
  assertEquals(claimProblems([claim, { ...claim, n: 10, low: 1, high: 1 }]).length, 2);
  assertEquals(claimProblems([{ ...rate, low: undefined }]), [
    '"at least 90 % exact": n = 500 without an interval',
  ]);
  assertEquals([{ ...claim, exact: true as const }, rate, claim].map(basisText), [
    ...["exact", "n = 500, 0.940 to 0.970", "this run"],
  ]);
});

Deno.test("readmeProblems() reads the rows of the results alone", () => {
  const readme = (row: string) =>
    `every\n\n## What we found\n\n| what | here |\n| --- | --- |\n| a | 1 |\n| ${row} |\n\n## Next\n\n| never |\n`;
  assertEquals(readmeProblems(readme("weights | every one equal, bit for bit")), []);
  assertEquals(readmeProblems(readme("rate | 10 of 10 exact")), [
    'README, results: "10 of 10" in "rate"',
  ]);
  assertEquals(readmeProblems("# no results"), ["README has no table of results"]);
});

Deno.test({
  name: "readClaims() says whose claims are missing or malformed",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      await assertRejects(() => readClaims(folder, "01"), Error, "Cannot read the claims of 01");
      await Deno.mkdir(`${folder}/01`);
      for (const text of ["", "{", '{"claims": 3}']) {
        await Deno.writeTextFile(`${folder}/01/results.json`, text);
        await assertRejects(() => readClaims(folder, "01"), Error, "Cannot read the claims of 01");
      }
    }),
});
