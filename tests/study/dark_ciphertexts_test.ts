import { assert, assertEquals } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { quadraticInputs, quadraticScores } from "lib/nn/quadratic.ts";
import { DarkCiphertexts, darkCiphertexts } from "lib/study/dark_ciphertexts.ts";
import { DarkDigits } from "lib/study/dark_digits.ts";
import { wilson } from "lib/sweep/summary.ts";

Deno.test("darkCiphertexts() decrypts the scores of the clear classifier, and would see others", async () => {
  const x = Uint8Array.from({ length: 3 * 4 }, (_, i) => (i * 67) % 256);
  const images = dataset({
    ...{ name: "tiny", x, y: Uint8Array.of(0, 1, 0), shape: [2, 2, 1], classes: ["a", "b"] },
  });
  const net = {
    ...{ length: 5, classes: 2, P: Int32Array.from({ length: 10 }, (_, i) => i - 4) },
    D: Int32Array.of(3, -2, 0, 15),
  };
  const scores = quadraticScores(net, quadraticInputs(images));
  const dark = new DarkDigits(net, { train: images, test: images }, scores, wilson(3, 3), 1);
  const found = await darkCiphertexts(dark, { count: 2 });
  assert(found.exact && found.serverSeconds > 0 && found.clientSeconds > 0);
  assertEquals(found.digits[1].scores, scores.slice(2, 4));
  assertEquals(found.table("t").rows.length, 2);
  assert(found.bytes.digit > 288 * 5 && found.sizes.includes("a digit"));
  const [first] = found.digits;
  const other = { ...first, scores: first.scores.map((z) => z + 1) };
  assert(!new DarkCiphertexts([other], found.bytes, images.y).exact);
});
