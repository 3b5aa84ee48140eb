/** Small programs that are hard to judge: rank-deficient, near-parallel, repeated and dead rows and columns,
 * scales far apart, rules that exclude the truth.
 * @module */
import { checkedPriors, type Priors, type Shape } from "lib/attack/priors.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

export interface SmallProgram {
  name: string;
  shape: Shape;
  W1: number[];
  z1: number[];
  priors: Priors;
}

const free = checkedPriors({ objective: "sum" });
const ruled = (period: number) => checkedPriors({ objective: "sum", period });

/** W1·x. */
function times(W1: number[], x: number[]): number[] {
  return Array.from(
    { length: W1.length / x.length },
    (_, row) => x.reduce((sum, v, p) => sum + v * W1[row * x.length + p], 0),
  );
}

function draws(seed: number, length: number, scale: number): number[] {
  return Array.from(gaussian(seededRng(seed), length), (v) => Math.round(scale * v));
}

/** Some black, some white, some grey. */
function pixels(seed: number, n: number): number[] {
  return draws(seed + 1000, n, 150).map((v) => Math.min(255, Math.max(0, v)));
}

function make(
  name: string,
  shape: Shape,
  { W1, x, off = [], priors = free }: {
    W1: number[];
    x: number[];
    /** Added to z1: an entry a row. */
    off?: number[];
    priors?: Priors;
  },
): SmallProgram {
  const z1 = times(W1, x).map((z, row) => z + (off[row] ?? 0));
  return { name, shape, W1, z1, priors };
}

/** Over 60 programs, none above 16 pixels. */
export function smallPrograms(): SmallProgram[] {
  const out: SmallProgram[] = [];
  const add = (...args: Parameters<typeof make>) => out.push(make(...args));
  const pair: Shape = [1, 2, 1];
  const square: Shape = [2, 2, 1];
  const tall: Shape = [4, 3, 1];

  // One to four pixels, as few and as many equations, true and off by one.
  for (
    const [n, hidden] of [[1, 1], [1, 3], [2, 1], [2, 2], [3, 2], [3, 3], [4, 2], [4, 4], [4, 6]]
  ) {
    const shape: Shape = n === 4 ? square : [1, n, 1];
    for (const off of [[], [1], [0, 100000]].slice(0, hidden > 1 ? 3 : 2)) {
      const W1 = draws(10 * n + hidden, n * hidden, 300);
      add(`${hidden} × ${n}, off by ${off}`, shape, { W1, x: pixels(n, n), off });
    }
  }
  // Near-parallel rows of determinant 1, whose only solution is inside, at the edge, or just outside.
  for (const size of [15, 1500, 15000, 1_500_000]) {
    const W1 = [size, size + 1, size - 1, size];
    for (const x of [[255, 0], [12, 34], [256, -1], [-1, 255]]) {
      add(`determinant 1, entries about ${size}, x = ${x}`, pair, { W1, x });
    }
  }
  // Rows that depend on others: products of thin matrices, sums, repetitions.
  for (const rank of [1, 2, 3]) {
    const [left, right] = [draws(rank, 12 * rank, 20), draws(rank + 50, rank * 12, 20)];
    const W1 = Array.from({ length: 144 }, (_, at) => {
      const [i, j] = [Math.floor(at / 12), at % 12];
      return Array.from({ length: rank }, (_, k) => left[i * rank + k] * right[k * 12 + j])
        .reduce((a, b) => a + b);
    });
    add(`12 × 12 of rank ${rank}`, tall, { W1, x: pixels(rank, 12) });
    add(`12 × 12 of rank ${rank}, contradictory`, tall, { W1, x: pixels(rank, 12), off: [0, 7] });
  }
  const rows = draws(77, 4 * 12, 200);
  for (const times of [2, 4]) {
    const W1 = Array.from({ length: times }, () => rows).flat();
    add(`4 rows ${times} times`, tall, { W1, x: pixels(3, 12) });
    const off = [...new Array(4 * times - 1).fill(0), 1];
    add(`4 rows ${times} times, the last off by 1`, tall, { W1, x: pixels(3, 12), off });
  }
  const noisy = Array.from({ length: 144 }, (_, at) => 1000 + draws(at, 1, 3)[0]);
  add("12 × 12 of 1000 and a little noise", tall, { W1: noisy, x: pixels(4, 12) });
  add("the same, off by 1000", tall, { W1: noisy, x: pixels(4, 12), off: [1000] });
  // Dead rows and columns.
  const dead = draws(5, 6 * 12, 200).map((w, at) => at % 12 < 6 ? 0 : w);
  add("half of the columns dead", tall, { W1: dead, x: pixels(5, 12) });
  add("half of the columns dead, out of reach", tall, {
    W1: dead,
    x: pixels(5, 12),
    off: [1_000_000],
  });
  const zero = draws(6, 6 * 12, 200).map((w, at) => at < 12 ? 0 : w);
  add("a row of zeros", tall, { W1: zero, x: pixels(6, 12) });
  add("a row of zeros that should be 1", tall, { W1: zero, x: pixels(6, 12), off: [1] });
  add("all zeros", tall, { W1: new Array(24).fill(0), x: pixels(6, 12) });
  add("all zeros that should be 1", tall, {
    W1: new Array(24).fill(0),
    x: pixels(6, 12),
    off: [1],
  });
  // Scales: huge, tiny, and both in one layer.
  for (
    const [name, scales] of [
      ["huge", [2 ** 36, 2 ** 36, 2 ** 36]],
      ["tiny", [1, 1, 1]],
      ["far apart", [1, 2 ** 20, 2 ** 36]],
    ] as const
  ) {
    const W1 = draws(8, 36, 2).map((w, at) => w * scales[Math.floor(at / 12)]);
    add(`${name} weights`, tall, { W1, x: pixels(8, 12) });
    add(`${name} weights, out of reach`, tall, {
      W1,
      x: pixels(8, 12).map((x) => x + 300),
    });
  }
  const outlier = draws(9, 36, 3).map((w, at) => at === 5 ? 2_000_000 : w);
  add("one outlier", tall, { W1: outlier, x: pixels(9, 12) });
  // Rules: an image with a step, one without, few and enough equations.
  const step = Array.from({ length: 16 }, (_, p) => p % 4 < 2 ? 10 : 200);
  const slope = Array.from({ length: 16 }, (_, p) => 20 + 9 * (p % 4) + 5 * Math.floor(p / 4));
  for (const period of [1, 2, 4]) {
    for (const hidden of [2, 10, 16, 20]) {
      const W1 = draws(period + hidden, hidden * 16, 100);
      const priors = ruled(period);
      add(`a step, ${hidden} units, period ${period}`, [4, 4, 1], { W1, x: step, priors });
      add(`a slope, ${hidden} units, period ${period}`, [4, 4, 1], { W1, x: slope, priors });
    }
  }
  for (const d of [25, 26]) { // on the bound, and just over it
    const W1 = draws(3, 16, 100);
    const x = [d, 0, 0, 0];
    add(`four pixels, one ${d}, period 1`, square, { W1, x, priors: ruled(1) });
    add(`four pixels, one ${d}, two equations`, square, {
      W1: W1.slice(0, 8),
      x,
      priors: ruled(1),
    });
  }
  return out;
}
