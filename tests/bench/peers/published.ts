/** The row of the published program: period 2 on 600 × 1024, ten images behind one W1, which is prepared within the
 * time. The peer is HiGHS on one of the ten, by its interior point method without presolve, its fastest way here by far.
 * @module */
import { attack } from "lib/attack/attack.ts";
import { buildLp } from "lib/attack/lp_model.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { blas } from "lib/math/blas.ts";
import { worstViolation } from "../../attack/fixtures.ts";
import { inTurn, type Scene, viewsOf, writePrograms } from "./programs.ts";
import { takeTurns } from "./turns.ts";

const side = 32;

/** Waves and a bright rectangle: steps and slopes, as photographs have. */
const picture = (k: number) =>
  Float64Array.from({ length: side * side }, (_, p) => {
    const [i, j] = [Math.floor(p / side), p % side];
    const waves = 50 * Math.sin(i / (3 + k) + k) + 50 * Math.sin(j / (4 + k));
    const inside = i > 8 && i < 20 && j > 10 && j < 20 + k % 5;
    return Math.round(Math.min(255, Math.max(0, 120 + waves + (inside ? 40 : 0))));
  });
const choice = { objective: "published", period: 2 } as const;
const scene: Scene = {
  images: Array.from({ length: 10 }, (_, k) => picture(k)),
  hidden: 600,
  side,
  priors: checkedPriors(choice),
};

const [first, second] = Deno.args;
if (first === "prepare") {
  await writePrograms(second, scene, "solved");
  console.log(JSON.stringify({
    what: "the published program, period 2, 600 × 1024, ten images behind one W1",
    variants: ["one core", "two Workers"],
    peers: ["highs.py highspy ipm bare"],
    tolerance: 0,
  }));
} else {
  const next = inTurn(viewsOf(scene));
  const workers = second === "two Workers" ? 2 : 0;
  const work = async () => {
    const views = next();
    return { views, found: await attack(views, { ...choice, workers }) };
  };
  const verdict = ({ views, found }: Awaited<ReturnType<typeof work>>) =>
    found.every(({ xHat }, k) =>
        xHat !== null && worstViolation(buildLp(views[k], scene.priors), xHat) < 1e-6
      )
      ? "solved"
      : "unsolved";
  for (let k = 0; k < 2; k++) {
    if (verdict(await work()) !== "solved") throw new Error("a program was not solved");
  }
  const label = `interior point on the structure, ${blas()?.name ?? "WebAssembly"}`;
  await takeTurns(label, work, verdict);
}
