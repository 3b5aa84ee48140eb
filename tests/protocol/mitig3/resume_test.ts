/** Trainings that break off, and what is sent when they go on: no noise twice, no image more often than allowed. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { answerRequests } from "lib/net/requests.ts";
import { inProcess } from "lib/net/connection.ts";
import { decodeModel, type EpochReport, ReplayError, train } from "lib/protocol/mitig3/client.ts";
import { decodeHead } from "lib/protocol/mitig3/files.ts";
import type { Seen } from "lib/protocol/mitig3/server.ts";
import { contents, ignore, names } from "../mitig2/two_sides.ts";
import { data, units } from "./fixtures.ts";
import { five, TwoSides } from "./two_sides.ts";

const test = (name: string, run: (sides: TwoSides) => Promise<void>) =>
  Deno.test({
    name,
    ignore,
    async fn() {
      await using sides = await TwoSides.make();
      await run(sides);
    },
  });

/** Each image's code: whole, because among hundreds of single float32 numbers two are equal by chance, one run in fifty. */
const codesOf = ({ z, labels }: Seen) =>
  Array.from(labels, (_, k) => {
    const width = z.length / labels.length;
    return z.subarray(k * width, (k + 1) * width).join();
  });

test("train() broken off between two epochs ends where an unbroken run ends, on both sides", async (sides) => {
  await using whole = await TwoSides.make();
  const { model: expected } = await whole.train();
  await sides.breakOff({ afterEpoch: 3 });
  assertEquals(await sides.ours.epochs(), [1, 2, 3]);
  const reports: EpochReport[] = [];
  const { model } = await sides.train({ onEpoch: (report) => reports.push(report) });
  assertEquals(reports.map(({ epoch, visits }) => [epoch, visits]), [[4, 4], [5, 5]]);
  const { session, ...rest } = model;
  const { session: _, ...unbroken } = expected;
  assertEquals(rest, unbroken);
  const head = decodeHead((await sides.theirs(session.toHex()).model())!);
  assertEquals(head.weights, model.head);
  const { predictions: __, visits: ___, ...saved } = model;
  assertEquals(decodeModel((await sides.ours.model())!), saved);
  assertEquals(await names(sides.ours.directory), ["lock", "model.safetensors"]);
});

test("train() broken off within an epoch goes through it again in another order, with other noise, as one more visit", async (sides) => {
  const [before, after]: [Seen[], Seen[]] = [[], []];
  // Step 17 is in the third of five epochs, of seven steps each.
  await sides.breakOff({ inStep: 17 }, {}, { observe: (part) => before.push(part) });
  assertEquals(await sides.ours.epochs(), [1, 2]);
  const reports: EpochReport[] = [];
  const { model } = await sides.train({ onEpoch: (report) => reports.push(report) }, {
    observe: (part) => after.push(part),
  });
  assertEquals(reports.map(({ epoch, visits }) => [epoch, visits]), [[3, 4], [4, 5], [5, 6]]);
  assertEquals(model.visits, 6);
  const [once, again] = [before, after].map((seen) => seen.filter(({ step }) => step === 14));
  assertNotEquals(once.map(({ labels }) => labels), again.map(({ labels }) => labels));
  const codes = [...before, ...after].flatMap(codesOf);
  assertEquals(new Set(codes).size, codes.length);
});

test("train() resumed from the CSPRNG draws its noise anew", async (sides) => {
  const seen: Seen[] = [];
  const options = { insecureSeed: undefined };
  const observe = (part: Seen) => seen.push(part);
  await sides.breakOff({ inStep: 10 }, options, { observe });
  const { model } = await sides.train(options, { observe });
  assertEquals(model.visits, 6);
  const codes = seen.flatMap(codesOf);
  assertEquals(new Set(codes).size, codes.length);
});

test("train() from the CSPRNG is not resumed with a seed, nor with less noise", async (sides) => {
  await sides.breakOff({ afterEpoch: 2 }, { insecureSeed: undefined });
  const before = await contents(sides.directory);
  for (const options of [{}, { insecureSeed: undefined, sigma: 0.1 }]) {
    await assertRejects(() => sides.train(options), RangeError, "it holds another training");
  }
  assertEquals(await contents(sides.directory), before);
});

test("train() refuses to send any image more often than allowed, before it changes a file", async (sides) => {
  await sides.breakOff({ inStep: 10 }, { visits: 6 });
  await sides.breakOff({ inStep: 17 }, { visits: 6 });
  const before = await contents(sides.directory);
  const [seen, lines]: [Seen[], string[]] = [[], []];
  await assertRejects(
    () => sides.train({ visits: 6 }, { observe: (part) => seen.push(part) }),
    ReplayError,
    "Cannot resume after epoch 2 of 5: every image would be sent 7 times, at most 6",
  );
  assertEquals(seen, []);
  assertEquals(await contents(sides.directory), before);
  const { model } = await sides.train({ onNotice: (line) => lines.push(line) });
  assertEquals([model.visits, lines], [7, []]);
});

test("train() refuses a server that says it holds older epochs only, over and over", async (sides) => {
  await sides.breakOff({ afterEpoch: 4 });
  const before = await contents(sides.ours.directory);
  const rewind = async (visits: number) => {
    const [ours, theirs] = inProcess();
    const asked: string[] = [];
    const ended = answerRequests(theirs, ["train", "z"], ({ type }) => {
      asked.push(type);
      return { type: "ready", fields: { epoch: 2 } };
    });
    const options = { units, setting: five, checkpoints: sides.ours, visits, insecureSeed: 2 };
    await train(ours, data, options).finally(() => ours.close());
    await ended;
    return asked;
  };
  await assertRejects(() => rewind(6), ReplayError, "every image would be sent 7 times, at most 6");
  assertEquals(await contents(sides.ours.directory), before);
  // Once it is within what is allowed, and is counted before the first code leaves.
  await assertRejects(() => rewind(7), Error, 'got "ready"');
  assertEquals(await sides.ours.visits((await sides.ours.session())!), 5);
  await assertRejects(() => rewind(7), ReplayError, "8 times, at most 7");
});

test("train() does not resume where nothing says how often the images were sent", async (sides) => {
  await sides.breakOff({ afterEpoch: 2 });
  const path = `${sides.ours.directory}/visits`;
  const good = await Deno.readTextFile(path);
  for (const bad of ["", `${good.split(" ")[0]} -1\n`, `${"0".repeat(32)} 2\n`, "garbage"]) {
    await Deno.writeTextFile(path, bad);
    const before = await contents(sides.directory);
    await assertRejects(() => sides.train(), RangeError, "its file visits does not say how often");
    assertEquals(await contents(sides.directory), before);
  }
  await Deno.writeTextFile(path, good);
  assertEquals((await sides.train()).model.visits, 5);
});

test("train() goes on from the newest epoch that both sides hold intact; what is damaged is set aside", async (sides) => {
  await sides.breakOff({ afterEpoch: 4 });
  const [session] = await names(`${sides.directory}/server`);
  const theirs = sides.theirs(session);
  const [newest, third] = ["epoch-4.safetensors", "epoch-3.safetensors"];
  const flip = async (path: string) => {
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 9] ^= 4;
    await Deno.writeFile(path, bytes);
  };
  await flip(`${sides.ours.directory}/${newest}`);
  await flip(`${theirs.directory}/${third}`);
  const [ours, lines, epochs]: [string[], string[], number[]] = [[], [], []];
  const { model } = await sides.train({
    onNotice: (line) => ours.push(line),
    onEpoch: ({ epoch }) => epochs.push(epoch),
  }, { onEvent: (line) => lines.push(line) });
  assertEquals(epochs, [3, 4, 5]);
  assertEquals(model.visits, 7);
  assert(ours[0].startsWith(`${newest} is set aside as ${newest}.damaged: `), ours[0]);
  assertEquals(ours[1], "the server holds no intact epoch 3");
  assert(lines.some((line) => line.startsWith(`${third} is set aside as ${third}.damaged: `)));
});

test("train() ends with a clear reason when a side cannot save, and resumes when it can again", async (sides) => {
  await sides.breakOff({ afterEpoch: 2 });
  class Full extends (await import("lib/net/checkpoints.ts")).Checkpoints {
    override save(): Promise<void> {
      return Promise.reject(new Error("Cannot write epoch-3: no space left on device"));
    }
  }
  const full = new Full(sides.ours.directory);
  await assertRejects(() => sides.train({ checkpoints: full }), Error, "no space left");
  const theirs = (session: string) => new Full(sides.theirs(session).directory);
  await assertRejects(() => sides.train({}, { checkpoints: theirs }), Error, "no space left");
  assertEquals(await sides.ours.epochs(), [1, 2]);
  assertEquals((await sides.train()).model.visits, 7);
});
