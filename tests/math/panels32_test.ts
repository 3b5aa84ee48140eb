import { assertEquals } from "@std/assert";
import * as tf from "@tensorflow/tfjs";
import { Memory32 } from "lib/math/memory32.ts";
import { multiply32 } from "lib/math/panels32.ts";
import { seededRng, uniform } from "lib/math/rng.ts";
import { startBackend } from "lib/nn/backend.ts";

const rng = seededRng(1);
const flags = [false, true];

function fill(array: Float32Array): Float32Array {
  for (let i = 0; i < array.length; i++) array[i] = 2 * uniform(rng) - 1;
  return array;
}

interface Sizes {
  m: number;
  n: number;
  k: number;
}

/** Each sum in the order of k, every step rounded to float32: what is promised. */
function inOrder(
  { m, n, k }: Sizes,
  A: (i: number, p: number) => number,
  B: (p: number, j: number) => number,
) {
  return Float32Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let p = 0; p < k; p++) sum = Math.fround(sum + Math.fround(A(i, p) * B(p, j)));
    return sum;
  });
}

Deno.test("multiply32() sums in the order of k, whatever is transposed and wherever the matrices lie", () => {
  const shapes = [[1, 1, 1], [4, 8, 2], [5, 9, 3], [2, 2, 5], [13, 17, 7], [8, 16, 1], [3, 30, 64]];
  shapes.push([6, 9, 37]); // whole steps of the kernel, and some more
  using memory = Memory32.open();
  for (const [m, n, k] of shapes) {
    for (const [transposeA, transposeB] of flags.flatMap((a) => flags.map((b) => [a, b]))) {
      for (let inside = 0; inside < 8; inside++) { // A, B, C: a bit each
        const make = (length: number, bit: number) =>
          fill(inside >> bit & 1 ? memory.take(length) : new Float32Array(length));
        const [A, B, C] = [make(m * k, 0), make(k * n, 1), make(m * n, 2)];
        const expected = inOrder(
          { m, n, k },
          (i, p) => A[transposeA ? p * m + i : i * k + p],
          (p, j) => B[transposeB ? j * k + p : p * n + j],
        );
        const before = [A.slice(), B.slice(), C.slice()];
        multiply32({ m, n, k, A, B, C, transposeA, transposeB, add: true });
        assertEquals([...C], [...expected.map((value, at) => value + before[2][at])]);
        multiply32({ m, n, k, A, B, C, transposeA, transposeB });
        assertEquals([...C], [...expected]);
        assertEquals([[...A], [...B]], [[...before[0]], [...before[1]]]);
        for (const array of [A, B, C]) memory.give(array);
      }
    }
  }
});

Deno.test("multiply32() gives the bits of tfjs' WASM backend, on which recorded figures rest", async () => {
  await startBackend();
  for (
    const [m, k, n] of [[128, 300, 10], [128, 10, 300], [10, 125, 300], [1, 784, 300], [
      30,
      784,
      50,
    ]]
  ) {
    const [A, B, C] = [m * k, k * n, m * n].map((length) => fill(new Float32Array(length)));
    const expected = tf.tidy(() =>
      tf.tensor2d(A, [m, k]).matMul(tf.tensor2d(B, [k, n])).dataSync()
    );
    multiply32({ m, n, k, A, B, C });
    assertEquals(C, expected);
  }
});
