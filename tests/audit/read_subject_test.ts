import { assertEquals, assertRejects } from "@std/assert";
import type { TrainingView } from "lib/attack/training/view.ts";
import { readSubject } from "lib/audit/read_subject.ts";
import { DataError } from "lib/data/dataset.ts";
import { encodeNames, namedBy } from "lib/protocol/recorded_names.ts";
import { encodeView } from "lib/protocol/recorded_view.ts";
import { npy, zip } from "../data/weight_files.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";

const COUNT = 6, SIDE = 8;
const x = Uint8Array.from({ length: COUNT * SIDE * SIDE }, (_, i) => (37 * i) % 256);
const y = [0, 1, 2, 0, 1, 2];
/** Six images of 8 × 8 with labels. */
const images = zip({
  "x.npy": npy(x, [COUNT, SIDE, SIDE], "|u1"),
  "y.npy": npy(y, [COUNT], "|u1"),
});
const W = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i));
const orders = [Uint32Array.of(2, 0, 1, 5, 4, 3), Uint32Array.of(1, 3, 5, 0, 2, 4)];

/** Two epochs of mitig3 in batches of three, two numbers a code. */
const seen: TrainingView = {
  ...{ scheme: "mitig3", units: 2, classes: 3, shape: [28, 28, 1], inputScale: 1 / 255 },
  steps: orders.flatMap((order) => [order.subarray(0, 3), order.subarray(3)]).map((names) => ({
    ...{ samples: null, labels: Uint8Array.from(names, (name) => y[name]) },
    ...{ z1: new Float64Array(6), dz1: new Float64Array(6), rate: null, W1: null, dW1: null },
  })),
};

async function files(folder: string) {
  const write = async (name: string, bytes: Uint8Array) => {
    await Deno.writeFile(`${folder}/${name}`, bytes);
    return `${folder}/${name}`;
  };
  return {
    weights: await write("w.npy", npy(W, [3, SIDE * SIDE])),
    "images-from": [await write("images.npz", images)],
    run: await write("run.safetensors", encodeView({ ...seen, count: COUNT })),
    names: await write("names.safetensors", encodeNames({ shape: [SIDE, SIDE, 1], orders })),
    write,
  };
}

const test = (name: string, fn: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(fn) });
const labels = "y";

test("readSubject() takes a model and samples, the layer rounded, and says how", async (folder) => {
  const { weights, "images-from": from } = await files(folder);
  const { subject, notes } = await readSubject({ weights, "images-from": from, labels, known: 2 });
  const { layer, samples, run, scheme, hidden, known, epochs, publicSamples } = subject;
  assertEquals([scheme, hidden, known, epochs, publicSamples, run], [
    "cryptonn",
    3,
    2,
    5,
    null,
    null,
  ]);
  assertEquals([layer!.hidden, layer!.n, samples!.count, samples!.labelled], [3, 64, COUNT, true]);
  assertEquals(notes.some((line) => line.includes("rounded to multiples of 2^-")), true);
});

test("readSubject() takes a width in place of a model, and public samples of the same kind only", async (folder) => {
  const { "images-from": from, write } = await files(folder);
  const made = { scheme: "mitig3", hidden: 20, sigma: "0.5", "images-from": from, labels } as const;
  const others = await write(
    "others.npy",
    npy(new Uint8Array(128).fill(7), [2, SIDE, SIDE], "|u1"),
  );
  const { subject } = await readSubject({ ...made, labels: undefined, "public-from": [others] });
  await assertRejects(
    () => readSubject({ ...made, "public-from": from }),
    DataError,
    `${COUNT} of them are among the private ones`,
  );
  assertEquals([subject.layer, subject.hidden, subject.sigma], [null, 20, 0.5]);
  assertEquals(subject.publicSamples!.count, 2);
  const small = await write("small.npy", npy(new Uint8Array(200), [2, 10, 10], "|u1"));
  await assertRejects(
    () => readSubject({ ...made, labels: undefined, "public-from": [small] }),
    DataError,
    "as public samples: they are 10 × 10, the private ones 8 × 8",
  );
});

test("readSubject() takes a run with its samples, named by the client's file", async (folder) => {
  const { "images-from": from, run, names } = await files(folder);
  const own = { run, names, "images-from": from, labels };
  const { subject, count } = await readSubject({ ...own, scheme: "mitig3" });
  assertEquals([subject.scheme, subject.hidden, count, subject.samples!.count], [
    "mitig3",
    2,
    6,
    6,
  ]);
  const { view, truth } = subject.run!;
  assertEquals([view.steps[0].samples, view.shape], [null, [SIDE, SIDE, 1]]);
  assertEquals(truth!.steps, namedBy(seen, orders).steps);
  const alone = await readSubject({ run });
  assertEquals([alone.subject.samples, alone.subject.run!.truth, alone.count], [null, null, 6]);
  const unnamed = await readSubject({ run, "images-from": from, labels });
  assertEquals(unnamed.subject.run!.truth, null);
});

test("readSubject() refuses a run and samples that are not of each other, naming both", async (folder) => {
  const { "images-from": from, run, names, weights, write } = await files(folder);
  const own = { run, names, "images-from": from, labels };
  const swapped = [Uint32Array.of(0, 2, 1, 5, 4, 3), orders[1]];
  const otherNames = await write("o", encodeNames({ shape: [SIDE, SIDE, 1], orders: swapped }));
  const otherShape = await write("s", encodeNames({ shape: [4, 16, 1], orders }));
  const few = await write("few.npy", npy(x.subarray(0, 128), [2, SIDE, SIDE], "|u1"));
  const moved = [1, 2, 0, 1, 2, 0];
  const relabelled = await write(
    "r.npz",
    zip({ "x.npy": npy(x, [COUNT, SIDE, SIDE], "|u1"), "y.npy": npy(moved, [COUNT], "|u1") }),
  );
  const cryptonn = await write("c", encodeView({ ...seen, scheme: "cryptonn", count: COUNT }));
  const cases: [Parameters<typeof readSubject>[0], string][] = [
    [{ ...own, scheme: "mitig2" }, `Cannot audit ${run}: it is a training of mitig3, not mitig2`],
    [{ ...own, names: otherNames }, `${otherNames} does not fit: Cannot name samples: sample`],
    [{ ...own, names: otherShape }, `its samples are 4 × 16 by ${otherShape}, not 8 × 8`],
    [{ ...own, "images-from": [few], labels: undefined }, "it has 6 samples, "],
    [{ ...own, "images-from": [relabelled] }, "give the samples that it trained on, in that order"],
    [
      { ...own, names: run },
      `Cannot read ${run}: it is training view 1, expected what --record-names`,
    ],
    [
      { ...own, run: names },
      `Cannot read ${names}: it is sample names 1, expected what --record of`,
    ],
    [{ ...own, run: weights }, `Cannot read ${weights}: `],
    [{ ...own, run: `${folder}/none` }, `Cannot read ${folder}/none: no such file`],
    [{ ...own, run: cryptonn }, "cryptonn's server names the samples itself, leave --names out"],
    [
      { ...own, run: cryptonn, names: undefined },
      "it has 784 numbers a sample, the samples are 8 × 8",
    ],
  ];
  for (const [config, message] of cases) {
    await assertRejects(() => readSubject(config), DataError, message);
  }
});

test("readSubject() pools a dataset's images to the size that a run has, and takes the first", async (folder) => {
  const { write } = await files(folder);
  const small: TrainingView = {
    ...{ ...seen, scheme: "mitig1", shape: [4, 4, 1], classes: 10 },
    steps: [{ ...seen.steps[0], samples: Uint32Array.of(0, 1, 2), labels: Uint8Array.of(0, 1, 2) }],
  };
  const run = await write("m", encodeView({ ...small, count: 3 }));
  const { subject, notes } = await readSubject({ run, dataset: "mnist" });
  assertEquals([subject.samples!.count, subject.samples!.shape], [3, [4, 4, 1]]);
  assertEquals(subject.run!.truth, subject.run!.view);
  assertEquals(notes.at(-1), `${run} has 3 samples: the first 3 of 9000 are taken for them`);
});
