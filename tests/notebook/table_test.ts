import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { markdown, table, tableHtml, tableText } from "lib/notebook/table.ts";

const costs = table({
  title: "Cost per step",
  columns: ["step", "bytes", "time"],
  rows: [["encrypt", 25144, "410 ms"], ["Σx & <b>", null, "≤ 3 ms"]],
});

Deno.test("tableHtml() escapes title, columns and cells", () => {
  const html = tableHtml(table({ title: "<i>", columns: ["a<b"], rows: [['"&"\n<script>']] }));
  assertStringIncludes(html, "&lt;i&gt;");
  assertStringIncludes(html, "a&lt;b");
  assertStringIncludes(html, "&quot;&amp;&quot;<br>&lt;script&gt;");
  assert(!html.includes("<script>") && !html.includes("<i>"));
});

Deno.test("tableHtml() sets columns of numbers flush right, units and signs included", () => {
  const html = tableHtml(costs);
  assertStringIncludes(html, '<td align="left" style="text-align:left">encrypt</td>');
  assertStringIncludes(html, '<td align="right" style="text-align:right">25\u202f144</td>');
  assertStringIncludes(html, '<td align="right" style="text-align:right">≤ 3 ms</td>');
});

Deno.test("tableHtml() scopes its style to its own class", () => {
  const style = /<style>([^]*)<\/style>/.exec(tableHtml(costs))![1];
  for (const selector of style.split("}").map((rule) => rule.trim()).filter(Boolean)) {
    assert(selector.startsWith("table.fe-table"), selector);
  }
});

Deno.test("tableText() aligns columns by their widest cell", () => {
  assertEquals(
    tableText(costs),
    [
      "Cost per step",
      "step       bytes    time",
      "────────  ──────  ──────",
      "encrypt   25\u202f144  410 ms",
      "Σx & <b>          ≤ 3 ms",
    ].join("\n"),
  );
});

Deno.test("tableText() rounds fractions to four digits", () => {
  assertStringIncludes(tableText(table({ columns: ["mse"], rows: [[0.14123456]] })), "0.1412");
});

Deno.test("table() refuses no columns, a column twice and a row of another length", () => {
  assertThrows(() => table({ columns: [], rows: [] }), TypeError, "no columns");
  assertThrows(() => table({ columns: ["a", "a"], rows: [] }), TypeError, '"a" appears twice');
  assertThrows(
    () => table({ columns: ["a", "b"], rows: [[1, 2], [1]] }),
    TypeError,
    "row 1 has 1 cells, expected 2",
  );
});

Deno.test("markdown() keeps its text", () => {
  assertEquals(markdown("**a**"), { kind: "markdown", text: "**a**" });
});
