import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { auditText } from "lib/audit/text.ts";
import { audit, colourAudit, digitsAudit, finding, HOSTILE, tableAudit } from "./fixtures.ts";

Deno.test("auditText() says the verdict, a line an attack, and where the files are", () => {
  const lines = auditText(digitsAudit(), "out").split("\n");
  assertEquals(
    lines[0],
    "Leaks found: Every one of the 10 private images is recovered exactly, certified without the truth, by linear",
  );
  assert(lines.includes(
    "What stopped all that was found: train under mitig3 with σ 0.7 (test accuracy 97.1 → 95.7 %).",
  ));
  assert(lines.some((line) => line.startsWith("CryptoNN · grey images")));
  const row = lines.find((line) => line.startsWith("Linear program, TV"))!;
  for (const part of ["recovered", "10 of 10", "keep the first layer at 212 units or fewer"]) {
    assertStringIncludes(row, part);
  }
  assertEquals(lines.at(-1), "The page: out/report.html; beside it report.json, and pictures/.");
  assert(!auditText(digitsAudit(), null).includes("report.html"));
  assertStringIncludes(auditText(tableAudit(), null), "proves nothing about others");
  assert(!auditText(digitsAudit(), null).includes("proves nothing about others"));
});

Deno.test("auditText() keeps to 30 lines of 110 columns, and steers no terminal", () => {
  const long = `\u001b]0;title\u0007${HOSTILE.repeat(20)}`;
  const attacks = Array.from(
    { length: 40 },
    (_, i) => finding({ name: `a${i}`, title: long, change: null, changeNote: long }),
  );
  const worst = audit({
    attacks,
    verdict: {
      leaks: false,
      decided: true,
      sentence: `${long} ${"word ".repeat(200)}`,
      advice: long,
      attack: null,
    },
    notTried: attacks.map(({ title }) => ({ attack: title, why: long })),
  });
  for (const audited of [worst, colourAudit(), audit()]) {
    const lines = auditText(audited, "out").split("\n");
    assert(lines.length <= 30, `${lines.length} lines`);
    for (const line of lines) assert([...line].length <= 110, line);
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(lines.join("\n")));
  }
  assertStringIncludes(auditText(worst, null), "and 28 more");
});
