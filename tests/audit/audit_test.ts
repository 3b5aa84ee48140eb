import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { audit } from "lib/audit/audit.ts";
import { castOf } from "lib/audit/cast.ts";
import { bytesPerVisit, trainedAs, unnamed } from "lib/audit/changes.ts";
import { evenly, fewer } from "lib/audit/material.ts";
import { takeSamples } from "lib/data/own_samples.ts";
import { freshTraining } from "lib/audit/training.ts";
import { floorOf } from "lib/audit/measure.ts";
import { halves, subjectOf } from "./samples.ts";

/** Programs are solved in Workers, which are read from the disk. */
const permitted = (await Deno.permissions.query({ name: "read" })).state === "granted";
const withWorkers = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn });

/** Time is no matter here: no test takes a tenth of it, on a machine that has other work to do. */
const run = { insecureSeed: 1, seconds: 200 };
const by = <T extends { name: string }>(list: readonly T[], name: string) =>
  list.find((one) => one.name === name)!;

withWorkers(
  "under CryptoNN all is recovered, certified, and a narrow layer stops the programs",
  async () => {
    const samples = { ...halves(6, 1), labelled: false };
    const { verdict, attacks, notTried, ...rest } = await audit(
      subjectOf(samples, { hidden: 100 }),
      run,
    );
    assert(verdict.leaks);
    assert(verdict.sentence.startsWith("Every one of the 6 private images is recovered exactly"));
    for (const name of ["tv-sum", "gradient"]) {
      assertEquals(by(attacks, name).outcome, "recovered", name);
      assertEquals(by(attacks, name).counts, { attacked: 6, exact: 6, certified: 6 }, name);
    }
    const { change } = by(attacks, "tv-sum");
    assertEquals(change!.kind, "width");
    const widths = change!.trials.map(({ setting }) => parseInt(setting));
    const widest = Math.max(...widths.filter((_, k) => change!.trials[k].stops));
    assertEquals(change!.what, `keep the first layer at ${widest} units or fewer`);
    assertLess(widest, 100);
    assert(change!.trials.filter(({ stops }) => stops).every(({ leakage }) => leakage < 0.1));
    assertEquals(by(attacks, "gradient").change, null); // no labels to compare trainings on
    assert(notTried.some(({ attack }) => attack.includes("Gaussian")));
    assertEquals(rest.insecureSeed, 1);
    assertEquals(rest.threat.find(({ quantity }) => quantity === "W1")!.attackerHas, true);
  },
);

withWorkers("the same seed gives the same findings", async () => {
  const subject = subjectOf(halves(4, 1), { hidden: 40 });
  const twice = [await audit(subject, run), await audit(subject, run)].map(({ attacks }) =>
    attacks.map(({ name, outcome, counts, pairs }) => ({ name, outcome, counts, pairs }))
  );
  assertEquals(twice[0], twice[1]);
});

Deno.test("MITIG2 leaks likenesses and inner products; mitig3 with noise stops the decoder", async () => {
  const samples = halves(240, 1);
  const subject = subjectOf(samples, { hidden: 60, scheme: "mitig2", layer: null, known: 60 });
  const { verdict, attacks } = await audit(subject, run);
  assert(verdict.leaks);
  assert(["recovered", "likeness"].includes(by(attacks, "decoder").outcome));
  const { change } = by(attacks, "decoder");
  assertEquals(change!.kind, "scheme");
  assert(change!.what.startsWith("train under mitig3"));
  assert(change!.cost.bytes!.then < change!.cost.bytes!.now);
  assert(change!.cost.accuracy !== null);
  const gram = by(attacks, "gram");
  assertEquals([gram.outcome, gram.change!.kind], ["likeness", "visits"]);
});

Deno.test("a recorded run of mitig3: nothing beyond the labels, and what was tried", async () => {
  const samples = halves(200, 1), publics = halves(200, 2);
  const split = { train: samples, test: publics };
  const setting = { scheme: "mitig3", hidden: 40, epochs: 3, seed: 5, sigma: 2 } as const;
  const { view: truth } = await freshTraining(split, setting);
  const subject = subjectOf(samples, {
    ...{ hidden: 2, scheme: "mitig3", layer: null, publicSamples: publics },
    run: { view: unnamed(truth), truth, count: 200 },
  });
  const { verdict, attacks } = await audit(subject, run);
  assertEquals(verdict.leaks, false);
  assert(verdict.sentence.startsWith("Nothing beyond the labels found. Tried: "));
  assert(verdict.sentence.includes("Not tried: a server that steers"));
  assertEquals(attacks.map(({ outcome }) => outcome).filter((one) => one !== "nothing"), []);
  const blind = await audit({
    ...subject,
    samples: null,
    run: { view: unnamed(truth), truth: null, count: 200 },
  }, run);
  assertEquals(blind.verdict.leaks, false);
  assert(blind.verdict.sentence.startsWith("Undecided"));
});

withWorkers("a table: no neighbours, and least squares where the layer is as wide", async () => {
  const images = halves(12, 1);
  const table = { ...images, shape: [1, 144, 1] as const, kind: "table" as const, labelled: false };
  const { attacks, notTried } = await audit(subjectOf(table, { hidden: 150 }), run);
  assertEquals(by(attacks, "least-squares").outcome, "recovered");
  assert(notTried.some(({ why }) => why === "a table's columns have no neighbours"));
  assert(!attacks.some(({ name }) => name.startsWith("tv")));
});

withWorkers("the time is kept, and what it did not allow is said", async () => {
  const samples = halves(2000, 1); // all attacks on all of them take a minute
  const start = performance.now();
  const { attacks, seconds } = await audit(subjectOf(samples, { hidden: 100 }), {
    ...{ insecureSeed: 1, seconds: 1 },
  });
  assertLess((performance.now() - start) / 1000, 10);
  assertLess(seconds.taken, 10);
  assert(
    attacks.some(({ counts, outcome }) => counts.attacked < 2000 || outcome === "out of time"),
  );
});

Deno.test("audit() refuses what cannot be audited, and stops when told", async () => {
  const samples = halves(4, 1);
  const subject = subjectOf(samples, { hidden: 10 });
  await assertRejects(() => audit({ ...subject, samples: null }, run), TypeError, "no samples");
  await assertRejects(
    () => audit({ ...subject, scheme: "mitig2", convolution: { outputs: 4 } }, run),
    TypeError,
    "dense first layer",
  );
  await assertRejects(() => audit(subject, { seconds: -1 }), RangeError, "-1 s");
  const stop = AbortSignal.abort(new DOMException("stopped", "AbortError"));
  await assertRejects(() => audit(subject, { ...run, signal: stop }), DOMException, "stopped");
  assertEquals(floorOf(samples, null).length, samples.x.length);
});

Deno.test("what is not the server's is not given to attacks: W1, dW1, names", async () => {
  const split = { train: halves(60, 1), test: halves(60, 2) };
  const setting = { hidden: 12, epochs: 2, seed: 3, sigma: 0.7 } as const;
  const server = async (scheme: "cryptonn" | "mitig1" | "mitig3") => {
    const material = {
      ...{ split, samples: split.train, publicSamples: split.test, known: 6, seed: 3 },
    };
    const { attacked } = await trainedAs(
      { scheme, ...setting },
      material,
      new AbortController().signal,
    );
    return attacked.view.steps;
  };
  assert((await server("cryptonn")).every(({ W1, dW1 }) => W1 !== null && dW1 !== null));
  assert((await server("mitig1")).every(({ W1, dW1 }) => W1 === null && dW1 === null));
  const narrow = await server("mitig3");
  assert(narrow.every(({ samples, W1, dW1 }) => samples === null && W1 === null && dW1 === null));
});

Deno.test("a training's private and public samples share none, and known ones are drawn from all classes", () => {
  const samples = halves(100, 1);
  const order = [...samples.names.keys()].sort((a, b) => samples.y[a] - samples.y[b]); // by class
  const sorted = takeSamples(samples, order);
  const cast = castOf(subjectOf(sorted, { hidden: 8, scheme: "mitig2", layer: null }));
  const [privates, publics] = [new Set(cast.privates.names), new Set(cast.publics!.names)];
  assertEquals([privates.size, publics.size], [50, 50]);
  assertEquals([...privates].filter((name) => publics.has(name)), []);
  assertEquals(cast.attacked, cast.privates);
  const few = evenly(sorted, 10);
  assertEquals(new Set(few.y).size, 2); // not the first ten, which are of one class
  const material = {
    ...{ split: { train: sorted, test: sorted }, samples: sorted, publicSamples: null, seed: 1 },
    known: 50,
  };
  assertEquals(fewer(material).known, 50);
  const all = halves(400, 1);
  const many = fewer({ ...material, split: { train: all, test: all }, samples: all, known: 40 });
  assertEquals([many.samples.count, many.split.train.count, many.known], [200, 200, 20]);
});

Deno.test("the floor is what labels give, public samples or not: noise under mitig3 leaks nothing", async () => {
  const samples = halves(39, 4); // too few for halves: no public samples
  const subject = subjectOf(samples, { hidden: 16, scheme: "mitig3", layer: null, sigma: 1000 });
  const { verdict } = await audit(subject, run);
  assertEquals(verdict.leaks, false, verdict.sentence);
});

Deno.test("bytes of a visit: CryptoNN's are sent once, a split's at each visit", () => {
  const sizes = { n: 784, hidden: 300, classes: 10 };
  assertEquals(bytesPerVisit("mitig2", { ...sizes, epochs: 5 }), 2400);
  assertEquals(bytesPerVisit("mitig3", { ...sizes, epochs: 9 }), 80);
  const once = bytesPerVisit("cryptonn", { ...sizes, epochs: 1 });
  assertEquals(once, 32 * (2 * 784 + 1 + 784 / 50));
  assertEquals(bytesPerVisit("cryptonn", { ...sizes, epochs: 4 }), once / 4);
});

Deno.test("an audit says that it is undecided where no attack came to its end", async () => {
  const wide = { ...halves(3, 1), labelled: false };
  const subject = subjectOf(wide, { hidden: 4000 });
  const { verdict } = await audit(subject, { seconds: 0.001, insecureSeed: 1 });
  assertEquals([verdict.leaks, verdict.decided], [false, false]);
  assert(verdict.sentence.startsWith("Undecided: no attack came to its end"));
});
