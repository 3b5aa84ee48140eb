/** The discrete logarithm in the range 2^28: building, keeping and loading the table of 2^20 entries, and
 * solving 300 elements at once. "real z1" are 300 neurons of W1 ~ N(0, 1) at scale 2^8 on a sparse image of
 * bytes, "uniform" spreads over the whole range: the worst average. Divide by 300. Results are checked first.
 * Run: deno bench -A tests/bench/dlog_bench.ts
 * @module */
import { prepareDlog, solveMany } from "lib/math/dlog.ts";
import {
  buildTable,
  type DlogTable,
  loadTable,
  saveTable,
  tableEntries,
} from "lib/math/dlog_table.ts";
import { generatorMultiples } from "lib/math/fixed_base.ts";
import { toFixed } from "lib/math/fixed_point.ts";
import { group } from "lib/math/group.ts";
import { gaussian, seededRng, uniform } from "lib/math/rng.ts";

const G = group("ristretto255");
const bound = 2 ** 28;
const entries = tableEntries(bound);
const small = generatorMultiples(G);

function build(): DlogTable {
  const steps = buildTable(G, entries);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

const rng = seededRng(1);
const x = rng.bytes(784).map((byte) => byte < 200 ? 0 : byte);
const realZ1 = Array.from({ length: 300 }, () => {
  const y = toFixed(gaussian(rng, 784), 8);
  return y.reduce((sum, value, i) => sum + value * x[i], 0);
});
const uniformZ = Array.from({ length: 300 }, () => Math.round((2 * uniform(rng) - 1) * bound));
const samples = [["real z1", realZ1], ["uniform z", uniformZ]] as const;

const directory = await Deno.makeTempDir();
await prepareDlog(G, bound);
saveTable(G, build(), directory);
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
if (loadTable(G, entries, directory) === null) throw new Error("the table was not kept");

const once = { n: 2, warmup: 0 };
Deno.bench({ name: "build 2^20", group: "table", baseline: true, ...once, fn: () => void build() });
Deno.bench("load 2^20", { group: "table" }, () => void loadTable(G, entries, directory));

for (const [name, zs] of samples) {
  const elements = zs.map((z) => small.multiply(z));
  if (!solveMany(G, elements, bound).every((z, i) => z === zs[i])) {
    throw new Error(`${name} is wrong`);
  }
  Deno.bench(
    `300 ${name}, range 2^28`,
    { group: "dlog" },
    () => void solveMany(G, elements, bound),
  );
}
