import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { tableText } from "lib/notebook/table.ts";
import { attackTable, findingOf, pairGrid, threatTable, widthFigure } from "lib/study/audit.ts";
import { digitsAudit, tableAudit } from "../audit/fixtures.ts";

const text = { name: "recovered", title: "Ten digits", alt: "Ten digits and what came of them." };

Deno.test("tables say who has what, and of each attack what came and what stops it", () => {
  const audit = digitsAudit();
  const rows = threatTable(audit).rows;
  assertEquals(rows.length, audit.threat.length);
  assertEquals(new Set(rows.map((row) => row[2])), new Set(["yes", "no"]));
  const attacks = tableText(attackTable(audit));
  assertStringIncludes(attacks, "10 of 10");
  assertStringIncludes(attacks, findingOf(audit, "tv-sum").change!.what);
});

Deno.test("figures draw pairs and the widths that were tried", () => {
  const audit = digitsAudit();
  assertEquals(pairGrid(audit, "tv-sum", text).name, "recovered");
  const { data } = widthFigure(audit, { ...text, name: "widths" });
  const { trials } = findingOf(audit, "tv-sum").change!;
  const widths = trials.map(({ setting }) => parseInt(setting)).sort((a, b) => a - b);
  assertEquals(Array.from(data[0].x as number[]), widths);
  assertThrows(() => findingOf(audit, "tv"), RangeError, "Cannot find attack tv: ");
  assertEquals(tableAudit().attacks.length > 0, true);
});
