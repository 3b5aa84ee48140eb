/** Checkpoints that are not what was saved: every fault at every side, and what the resumed training ends with. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { encodeSafetensors } from "lib/data/safetensors.ts";
import { unseal } from "lib/data/safetensors.ts";
import type { Checkpoints } from "lib/net/checkpoints.ts";
import { classify, decodeModel } from "lib/protocol/mitig2/client.ts";
import { decodeUpper } from "lib/protocol/mitig2/files.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { inProcess } from "lib/net/connection.ts";
import { data, hidden } from "./fixtures.ts";
import { contents, ignore, names, TwoSides } from "./two_sides.ts";

const NEWEST = "epoch-4.safetensors";

/** A directory's file after a fault. @param other the same side of another training. */
type Fault = (directory: string, other: (kind: "wide" | "same") => Promise<Checkpoints>) => //
Promise<Uint8Array>;

const newest = (directory: string) => Deno.readFile(`${directory}/${NEWEST}`);

/** One bit flipped, at the place that `where` finds. */
const flipped = (where: (file: Uint8Array) => number): Fault => async (directory) => {
  const file = await newest(directory);
  file[where(file)] ^= 1;
  return file;
};

/** Where a text of the header begins, after it. */
const after = (text: string) => (file: Uint8Array) => {
  const at = new TextDecoder("latin1").decode(file).indexOf(text);
  assert(at >= 0, `no ${text}`);
  return at + text.length;
};

/** Into a tensor's data, by its number in the file. */
const tensor = (k: number) => (file: Uint8Array) => {
  const view = new DataView(file.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  const [, { data_offsets: [begin] }] = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")[k] as [string, { data_offsets: number[] }];
  return start + begin + 5;
};

const everywhere: Record<string, [fault: Fault, reason: string]> = {
  "a flipped bit in W1 or b1": [flipped(tensor(0)), "its SHA-256 is not the one"],
  "a flipped bit in the first moments": [flipped(tensor(1)), "its SHA-256 is not the one"],
  "a flipped bit in the second moments": [flipped(tensor(2)), "its SHA-256 is not the one"],
  "a flipped bit in the session": [flipped(after('"session":"')), "its SHA-256 is not the one"],
  "a flipped bit in the terms": [flipped(after('learningRate\\":')), "its SHA-256 is not the one"],
  "a flipped bit in the checksum": [flipped(after('"sha256":"')), "its SHA-256 is not the one"],
  "a flipped bit in the header's size": [flipped(() => 0), "Cannot read safetensors"],
  "an older file under its name": [
    (directory) => Deno.readFile(`${directory}/epoch-3.safetensors`),
    "its file is epoch-3.safetensors, expected epoch-4.safetensors",
  ],
  "its end missing": [
    async (directory) => (await newest(directory)).slice(0, -5),
    "its SHA-256 is not the one",
  ],
  "bytes too many": [
    async (directory) => Uint8Array.from([...await newest(directory), 0]),
    "its SHA-256 is not the one",
  ],
  "nothing in it": [() => Promise.resolve(new Uint8Array()), "truncated, 0 bytes"],
  "zeros in it": [() => Promise.resolve(new Uint8Array(4096)), "the header is not JSON"],
  "garbage in it": [() => Promise.resolve(seededRng(9).bytes(5000)), "Cannot read safetensors"],
  "no checksum, as before": [
    async (directory) => {
      const { tensors, metadata } = unseal(await newest(directory));
      return encodeSafetensors(tensors, metadata);
    },
    "it carries no SHA-256, as files of an earlier version do",
  ],
  "a file of another width": [async (_, other) => await (await other("wide")).load(4), ""],
  "a file of another training with the same terms": [
    async (_, other) => await (await other("same")).load(4),
    "",
  ],
};
const client: typeof everywhere = {
  "a flipped bit in the order key": [
    flipped(after('"orderKey":"')),
    "its SHA-256 is not the one",
  ],
  "a flipped bit in the session key": [
    flipped(after('"sessionKey":"')),
    "its SHA-256 is not the one",
  ],
};
const server: typeof everywhere = {
  "a flipped bit in W2": [flipped(tensor(3)), "its SHA-256 is not the one"],
};

const SIDES = ["client", "server", "both"] as const;
const cases = SIDES.flatMap((side) =>
  Object.entries({ ...everywhere, ...side === "client" ? client : side === "server" ? server : {} })
    .map(([fault, [damage, reason]]) => ({ side, fault, damage, reason }))
);

/** What the cases start from, made once: an unbroken run, one broken off after epoch 4, and others. */
async function rig() {
  await using whole = await TwoSides.make();
  const { model } = await whole.train();
  const unbroken = {
    W1: model.W1,
    upper: decodeUpper((await (await whole.onlySession()).model())!),
  };
  const broken = await TwoSides.make();
  await broken.breakOff(4);
  const [wide, same] = [await TwoSides.make(), await TwoSides.make()];
  await wide.breakOff(4, { hidden: hidden + 1 });
  await same.breakOff(4, { rng: seededRng(12) });
  return { unbroken, broken, others: { wide, same } };
}

Deno.test({
  name:
    "train() resumes from the newest epoch that both sides hold intact, and to the same weights",
  ignore,
  async fn(t) {
    const { unbroken, broken, others } = await rig();
    await using _broken = broken;
    await using _wide = others.wide;
    await using _same = others.same;
    for (const { side, fault, damage, reason } of cases) {
      await t.step(`${fault}, ${side}`, async () => {
        await using sides = await broken.copy();
        const damaged: [path: string, bytes: Uint8Array][] = [];
        for (const at of side === "both" ? ["client", "server"] : [side]) {
          const its = (sides: TwoSides) =>
            at === "client" ? Promise.resolve(sides.ours) : sides.onlySession();
          const { directory } = await its(sides);
          const bytes = await damage(directory, async (kind) => await its(others[kind]));
          await Deno.writeFile(`${directory}/${NEWEST}`, bytes);
          damaged.push([directory, bytes]);
        }
        const [epochs, lines]: [number[], string[]] = [[], []];
        const say = (line: string) => void lines.push(line);
        const { model } = await sides.train(
          { onEpoch: ({ epoch }) => epochs.push(epoch), onNotice: say, rng: seededRng(77) },
          say,
        );
        assertEquals(epochs, [4, 5]);
        assertEquals(model.W1, unbroken.W1);
        const theirs = await sides.onlySession();
        assertEquals(decodeUpper((await theirs.model())!), unbroken.upper);
        for (const [directory, bytes] of damaged) {
          assertEquals(await Deno.readFile(`${directory}/${NEWEST}.damaged`), bytes);
          const line = lines.find((line) => line.endsWith(`(${directory})`)) ?? "";
          assertStringIncludes(line, `${NEWEST} is set aside as ${NEWEST}.damaged: `);
          assertStringIncludes(line, reason);
        }
        if (side === "server") assert(lines.includes("the server holds no intact epoch 4"));
      });
    }
  },
});

Deno.test({
  name:
    "train() goes on from a file in the middle, from odd names, and when each side lacks another epoch",
  ignore,
  async fn() {
    const { unbroken, broken, others } = await rig();
    await using _broken = broken;
    await using _wide = others.wide;
    await using _same = others.same;
    await using sides = await broken.copy();
    const theirs = await sides.onlySession();
    const odd = ["99999999999999999999", "007", "0", "-1", "4.0", "1e1", "4 (copy)", "12345678"];
    for (const { directory } of [sides.ours, theirs]) {
      for (const name of odd) {
        await Deno.copyFile(`${directory}/${NEWEST}`, `${directory}/epoch-${name}.safetensors`);
      }
      await Deno.mkdir(`${directory}/epoch-9.safetensors`);
      await Deno.writeTextFile(`${directory}/${NEWEST}.damaged`, "of an earlier time");
    }
    await Deno.writeFile(`${sides.ours.directory}/session`, seededRng(4).bytes(40));
    await Deno.truncate(`${sides.ours.directory}/epoch-3.safetensors`, 40);
    await Deno.truncate(`${theirs.directory}/${NEWEST}`, 40);
    const epochs: number[] = [];
    const { model } = await sides.train({ onEpoch: ({ epoch }) => epochs.push(epoch) });
    assertEquals(epochs, [3, 4, 5]);
    assertEquals(model.W1, unbroken.W1);
    const there = await names(theirs.directory);
    for (const name of odd) assert(there.includes(`epoch-${name}.safetensors`), name);
    assert(there.includes(`${NEWEST}.damaged-2`));
    assertEquals(
      await Deno.readTextFile(`${theirs.directory}/${NEWEST}.damaged`),
      "of an earlier time",
    );
  },
});

Deno.test({
  name: "train() and serve() leave every file as it is when they have no intact epoch in common",
  ignore,
  async fn() {
    await using sides = await TwoSides.make();
    await sides.breakOff(3);
    const theirs = await sides.onlySession();
    for (const epoch of await theirs.epochs()) {
      await Deno.truncate(`${theirs.directory}/epoch-${epoch}.safetensors`, 100);
    }
    const before = await contents(sides.directory);
    const reason = "no checkpoint of epoch 1 or 2 or 3 here that is intact";
    for (let twice = 0; twice < 2; twice++) {
      await assertRejects(() => sides.train(), Error, reason);
    }
    assertEquals(await contents(sides.directory), before);
  },
});

Deno.test({
  name:
    "decodeModel() and use refuse a model that is damaged, a checkpoint in its place, or of another training",
  ignore,
  async fn() {
    await using sides = await TwoSides.make();
    await sides.breakOff(2);
    const checkpoint = await sides.ours.load(2);
    const theirs = await sides.onlySession();
    const theirCheckpoint = await theirs.load(2);
    const { model } = await sides.train();
    const good = (await sides.ours.model())!;
    assertEquals(decodeModel(good).W1, model.W1);
    const bad = good.slice();
    bad[bad.length - 3] ^= 64;
    const refused = (bytes: Uint8Array, reason: string) =>
      assertThrows(() => decodeModel(bytes), RangeError, reason);
    refused(bad, "its SHA-256 is not the one it was saved with");
    refused(checkpoint, "its file is epoch-2.safetensors, expected model.safetensors");
    refused((await theirs.model())!, "its party is mitig2 server, expected mitig2 client");

    const use = async () => {
      const [client, server] = inProcess();
      const ended = serve(server, { checkpoints: sides.theirs });
      await classify(client, decodeModel(good), data.test.x).finally(() => client.close());
      await ended;
    };
    const path = `${theirs.directory}/model.safetensors`;
    const whole = await Deno.readFile(path);
    await using other = await TwoSides.make();
    await other.train();
    const foreign = (await (await other.onlySession()).model())!;
    const flip = whole.slice();
    flip[flip.length - 2] ^= 1;
    for (
      const [bytes, reason] of [
        [flip, "its SHA-256 is not the one"],
        [theirCheckpoint, "its file is epoch-2.safetensors, expected model.safetensors"],
        [foreign, "its session is"],
        [whole.slice(0, 50), "Cannot read safetensors"],
      ] as const
    ) {
      await Deno.writeFile(path, bytes);
      await assertRejects(use, Error, reason);
      assertEquals(await Deno.readFile(path), Uint8Array.from(bytes));
    }
    await Deno.writeFile(path, whole);
    await use();
    assertEquals((await sides.ours.model())!, good);
  },
});
