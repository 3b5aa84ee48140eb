import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { Output } from "lib/nn/optimizer.ts";
import { lossGradient } from "lib/nn/upper_layers.ts";

const outputs: readonly Output[] = ["softmax", "sigmoid"];

Deno.test("lossGradient() gives the derivative of its own loss", () => {
  const z2 = Float32Array.from([0.5, -1, 2, 0, 3, -2]);
  const labels = Uint8Array.of(2, 0);
  for (const output of outputs) {
    const { dz2 } = lossGradient(z2, labels, output);
    z2.forEach((_, i) => {
      const moved = (by: number) => lossGradient(z2.with(i, z2[i] + by), labels, output).loss;
      assertAlmostEquals(dz2[i], (moved(1 / 64) - moved(-1 / 64)) * 32, 1e-4);
    });
  }
});

Deno.test("lossGradient() stays finite for large outputs", () => {
  for (const output of outputs) {
    const { dz2, loss } = lossGradient(Float32Array.of(1e4, -1e4), Uint8Array.of(1), output);
    assert(Number.isFinite(loss) && loss > 1e4);
    assertEquals([...dz2], [1, -1]);
  }
});

Deno.test("lossGradient() is negative at the label only: dz2 tells it to whoever receives it", () => {
  const z2 = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i));
  const labels = Uint8Array.from({ length: 10 }, (_, i) => i % 3);
  for (const output of outputs) {
    const { dz2 } = lossGradient(z2, labels, output);
    dz2.forEach((d, i) => assertEquals(d < 0, i % 3 === labels[Math.floor(i / 3)]));
  }
});
