import { assertEquals } from "@std/assert";
import { html, printable } from "lib/audit/html.ts";
import { HOSTILE } from "./fixtures.ts";

Deno.test("html`` escapes texts, in elements and in attributes, and keeps markup and lists of it", () => {
  assertEquals(html`<b>${'<i> & "q"'}</b>`.text, "<b>&lt;i&gt; &amp; &quot;q&quot;</b>");
  assertEquals(
    html`<b title="${'" onclick="x'}"></b>`.text,
    '<b title="&quot; onclick=&quot;x"></b>',
  );
  assertEquals(
    html`<ul>${[1, 2].map((n) => html`<li>${n}</li>`)}${null}</ul>`.text,
    "<ul><li>1</li><li>2</li></ul>",
  );
  assertEquals(/<|"/.test(html`${HOSTILE}`.text), false);
});

Deno.test("printable() shows what would steer a screen, and joins lines", () => {
  assertEquals(printable("a\u001b[31mb\u202egnp.exe\0"), "a\ufffd[31mb\ufffdgnp.exe\ufffd");
  assertEquals(printable("one\r\n  two"), "one two");
  assertEquals(printable("größe ✓ 1\u202f000"), "größe ✓ 1\u202f000");
});
