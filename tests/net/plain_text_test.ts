import { assertEquals } from "@std/assert";
import { plainText } from "lib/net/plain_text.ts";

Deno.test("plainText() keeps text in any language and drops what a terminal or a log would obey", () => {
  const plain = "Cannot read z1: 4 images, größer als ±3, ключ, 手写 ✓";
  assertEquals(plainText(plain), plain);
  const unfit: Record<string, string> = {
    "\x1b[2J\x1b]0;mine\x07": "�[2J�]0;mine�",
    "a\n2026-11-26T00:00:00Z all is well\r\n": "a�2026-11-26T00:00:00Z all is well��",
    "\u009b31m": "�31m",
    "\u202efdp.exe\u2066": "�fdp.exe�",
    "a\u2028b\u2029c\u200bd\ufeff": "a�b�c�d�",
    "\ud800": "�",
    "\x00\x08\x7f": "���",
  };
  for (const [text, expected] of Object.entries(unfit)) assertEquals(plainText(text), expected);
});

Deno.test("plainText() cuts what is longer than 300 characters, whatever its length", () => {
  assertEquals(plainText("x".repeat(300)), "x".repeat(300));
  assertEquals(plainText("x".repeat(2 ** 24)), "x".repeat(299) + "…");
});
