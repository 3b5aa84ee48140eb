import { assertEquals } from "@std/assert";
import { errorText, percent, sizeText, timeText } from "lib/study/words.ts";

Deno.test("percent() has two decimals", () => {
  assertEquals([0.97135, 0, 1].map(percent), ["97.14 %", "0.00 %", "100.00 %"]);
});

Deno.test("sizeText() takes the unit that reads best", () => {
  const texts = [180, 999.6, 40_400, 9_380_000, 22.9e9].map(sizeText);
  assertEquals(texts, ["180 B", "1000 B", "40 kB", "9.4 MB", "22.9 GB"]);
});

Deno.test("timeText() takes the unit that reads best, and no decimals where they say nothing", () => {
  const texts = [0.0841, 2.5, 27.4, 119, 121, 3600, 61.4 * 3600, 91.3 * 86400, 1234 * 86400];
  assertEquals(texts.map(timeText), [
    ...["84 ms", "2.5 s", "27 s", "119 s", "2.0 minutes", "60 minutes", "61 hours", "91 days"],
    "1\u202f234 days",
  ]);
});

Deno.test("errorText() tells a small error from none", () => {
  assertEquals([0.1284, 0.0005, 3.2e-7, 4e-12, 0].map(errorText), [
    ...["0.128", "0.001", "3·10⁻⁷", "4·10⁻¹²", "0"],
  ]);
});
