/** Ten images behind one W1 at 600 × 1024, solver "fast", all cores, the start of the Workers included.
 *
 * Run: deno bench -A tests/bench/attack_bench.ts [-- folder]
 * With the folder of another checkout of this repository the same views go through its attack too, as the baseline,
 * and verdicts, certificates and pixels are compared: what is timed must be the same.
 * @module */
import { attack } from "lib/attack/attack.ts";
import { checkedPriors, type Objective } from "lib/attack/priors.ts";
import type { Recovery } from "lib/attack/recovery.ts";
import { type ServerView, serverViews } from "lib/attack/view.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";

const [hidden, side, images] = [600, 32, 10];
const n = side * side;

/** Waves and a bright rectangle: steps and slopes, as photographs have. */
function picture(k: number): Float64Array {
  return Float64Array.from({ length: n }, (_, p) => {
    const [i, j] = [Math.floor(p / side), p % side];
    const waves = 50 * Math.sin(i / (3 + k) + k) + 50 * Math.sin(j / (4 + k));
    const inside = i > 8 && i < 20 && j > 10 && j < 20 + k % 5;
    return Math.round(Math.min(255, Math.max(0, 120 + waves + (inside ? 40 : 0))));
  });
}

const W1 = toFixed(gaussian(seededRng(2), hidden * n), 8);
const z1s = Array.from({ length: images }, (_, k) => {
  const x = picture(k);
  return Array.from(
    { length: hidden },
    (_, row) => x.reduce((sum, v, p) => sum + v * W1[row * n + p], 0),
  );
});
const views = serverViews({ W1, z1s, shape: [side, side, 1], scaleBits: 8 });

type Attack = (
  views: readonly ServerView[],
  choice: { objective: Objective; period?: number },
) => Promise<Recovery[]>;

/** The attack of another checkout, by the door that it has. */
async function other(folder: string): Promise<Attack> {
  const base = new URL(`${folder}/lib/attack/`, `file://${Deno.cwd()}/`);
  try {
    return (await import(`${base}attack.ts`)).attack;
  } catch {
    const { solveAll } = await import(`${base}solve_all.ts`);
    return (views, choice) =>
      solveAll(views.map((view) => ({ view, priors: checkedPriors(choice) })), { solver: "fast" });
  }
}

const runs: [string, Attack][] = [["here", attack]];
if (Deno.args.length > 0) runs.unshift([Deno.args[0], await other(Deno.args[0])]);

const programs = [
  { objective: "tv-sum" },
  { objective: "published" },
  { objective: "published", period: 2 },
] as const;
for (const choice of programs) {
  const found = [];
  for (const [, run] of runs) found.push(await run(views, choice));
  const [first, last] = [found[0], found[runs.length - 1]];
  const verdicts = (list: Recovery[]) => list.map(({ status, certified }) => [status, certified]);
  if (`${verdicts(first)}` !== `${verdicts(last)}`) throw new Error("Cannot time: verdicts differ");
  if (last.some(({ status }) => status !== "optimal")) throw new Error("Cannot time: not solved");
  const apart = last.flatMap(({ xHat }, k) =>
    [...xHat!].map((x, p) => Math.abs(x - first[k].xHat![p]))
  );
  if (!(Math.max(...apart) < 1e-3)) throw new Error("Cannot time: other pixels");

  const group = `${choice.objective}${
    "period" in choice ? ", period 2" : ""
  }, 600 × 1024, ten images`;
  for (const [at, [name, run]] of runs.entries()) {
    const baseline = at === 0 && runs.length > 1;
    Deno.bench({ group, name, baseline, n: 3, warmup: 1 }, async () => {
      await run(views, choice);
    });
  }
}
