import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { flushMs, kernel, plainText, send, show } from "lib/notebook/show.ts";
import { markdown, table } from "lib/notebook/table.ts";
import { lineFigure } from "lib/plot/line.ts";
import { lineOptions } from "../plot/fixtures.ts";

Deno.test("kernel() is null outside a kernel", () => {
  assertEquals(kernel(), null);
});

Deno.test("flushMs() is 50 ms and 20 ms more a megabyte", () => {
  assertEquals([flushMs(0), flushMs(1e6), flushMs(2.5e6)], [50, 70, 100]);
});

Deno.test("send() waits for the broadcast and then for the flush", async () => {
  const events: string[] = [];
  const start = performance.now();
  await send(
    {
      async broadcast(type, content) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        events.push(`${type} ${content.transient.display_id} ${content.data["text/plain"]}`);
      },
    },
    { "text/plain": "a" },
    "id",
  );
  assertEquals(events, ["display_data id a"]);
  assertGreaterOrEqual(performance.now() - start, 75);
});

Deno.test("plainText() of a figure names it and says what it shows", () => {
  assertEquals(
    plainText(lineFigure(lineOptions())),
    "[figure mse-by-width] The error falls with the width.",
  );
});

Deno.test("show() prints text outside a kernel", async () => {
  const printed: unknown[] = [];
  const log = console.log;
  console.log = (...values) => printed.push(...values);
  try {
    await show(markdown("**a**"));
    await show(table({ columns: ["a"], rows: [["b"]] }));
  } finally {
    console.log = log;
  }
  assertEquals(printed, ["**a**", "a\n─\nb"]);
});
