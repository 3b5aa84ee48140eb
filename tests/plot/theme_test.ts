import { assertEquals } from "@std/assert";
import {
  durationText,
  escapeHtml,
  numberText,
  plain,
  powerText,
  thousands,
} from "lib/plot/theme.ts";

Deno.test("thousands() sets digits apart by a space at which no line breaks", () => {
  assertEquals([0, 999, 1234, 60_000, -1_234_567].map(thousands), [
    ...["0", "999", "1\u202f234", "60\u202f000", "−1\u202f234\u202f567"],
  ]);
});

Deno.test("numberText() keeps whole numbers and so many digits of others", () => {
  assertEquals([0, 7, 25_112, 0.03214, 12.345, 1893.4].map((value) => numberText(value)), [
    ...["0", "7", "25\u202f112", "0.0321", "12.3", "1\u202f893"],
  ]);
  assertEquals([0.03214, 1234.56, -0.5].map((value) => numberText(value, 4)), [
    ...["0.03214", "1\u202f235", "−0.5"],
  ]);
});

Deno.test("numberText() writes very small and very large numbers by a power of ten", () => {
  assertEquals([1e-4, 1.24e-4, -2.5e-8, 6.02e23].map((value) => numberText(value)), [
    ...["10⁻⁴", "1.2·10⁻⁴", "−2.5·10⁻⁸", "6·10²³"],
  ]);
  assertEquals(powerText(-12, 5), "5·10⁻¹²");
});

Deno.test("durationText() takes the unit in which a time reads best", () => {
  const times = [0, 4e-6, 0.0041, 0.31, 1, 95, 150, 7100, 95_000, 3e6, 3.2e9];
  assertEquals(times.map((seconds) => durationText(seconds)), [
    ...["0 s", "4 µs", "4.1 ms", "310 ms", "1 s", "95 s", "2.5 min", "118 min", "26 h", "35 days"],
    "37\u202f037 days",
  ]);
});

Deno.test("escapeHtml() and plain() leave no markup; plotly keeps its quotes", () => {
  assertEquals(escapeHtml('<a href="b">&\n'), "&lt;a href=&quot;b&quot;&gt;&amp;<br>");
  assertEquals(plain('"<b>"\n'), '"&lt;b&gt;"<br>');
});
