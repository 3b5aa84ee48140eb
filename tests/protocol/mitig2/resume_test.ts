import { assert, assertEquals, assertRejects } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { Checkpoints } from "lib/protocol/checkpoints.ts";
import { decodeModel, type EpochReport, predict } from "lib/protocol/mitig2/client.ts";
import { decodeUpper } from "lib/protocol/mitig2/files.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { inProcess } from "lib/protocol/port.ts";
import { data, setting, trainBoth } from "./fixtures.ts";

const ignore = (await Deno.permissions.query({ name: "write" })).state !== "granted";
const five = { ...setting, epochs: 5 };

/** Directories of two parties, gone at the end. */
async function twoSides() {
  const directory = await Deno.makeTempDir();
  return {
    ours: new Checkpoints(`${directory}/client`),
    theirs: (session: string) => new Checkpoints(`${directory}/server/${session}`),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

/** Trains until the client breaks off after `epoch`. */
async function breakOff(sides: Awaited<ReturnType<typeof twoSides>>, epoch: number) {
  const onEpoch = (report: EpochReport) => {
    if (report.epoch === epoch) throw new Error("pulled the plug");
  };
  const client = { setting: five, checkpoints: sides.ours, onEpoch };
  await assertRejects(() => trainBoth(client, { checkpoints: sides.theirs }), Error, "the plug");
}

Deno.test({
  name:
    "train() resumes after the last common checkpoint and ends where an unbroken run ends, on both sides",
  ignore,
  async fn() {
    await using whole = await twoSides();
    const { model: expected } = await trainBoth(
      { setting: five, checkpoints: whole.ours },
      { checkpoints: whole.theirs },
    );
    const upper = async (side: typeof whole, session: Uint8Array) =>
      decodeUpper((await side.theirs(session.toHex()).model())!);
    for (const lost of [false, true]) { // whether the client's last checkpoint was not yet written
      await using sides = await twoSides();
      await breakOff(sides, 3);
      assertEquals(await sides.ours.epochs(), [2, 3]);
      if (lost) await Deno.remove(`${sides.ours.directory}/epoch-3.safetensors`);
      const epochs: number[] = [];
      const { model } = await trainBoth({
        ...{ setting: five, checkpoints: sides.ours, rng: seededRng(77) }, // nothing is drawn anew
        onEpoch: ({ epoch }) => epochs.push(epoch),
      }, { checkpoints: sides.theirs, rng: seededRng(78) });
      assertEquals(epochs, lost ? [3, 4, 5] : [4, 5]);
      assertEquals(model.W1, expected.W1);
      assertEquals(model.predictions, expected.predictions);
      assertEquals(await upper(sides, model.session), await upper(whole, expected.session));
      assertEquals(await sides.ours.epochs(), []);
    }
  },
});

Deno.test({
  name:
    "predict() uses both saved parts: the predictions of the training's end, without a pixel sent",
  ignore,
  async fn() {
    await using sides = await twoSides();
    const { model } = await trainBoth({ checkpoints: sides.ours }, { checkpoints: sides.theirs });
    const saved = decodeModel((await sides.ours.model())!);
    assertEquals(saved.W1, model.W1);
    const [ours, theirs] = inProcess();
    const ended = serve(theirs, { checkpoints: sides.theirs });
    assertEquals(await predict(ours, saved, data.test.x), model.predictions);
    ours.close();
    await ended;
  },
});

Deno.test({
  name: "train() refuses to resume another training, and a damaged checkpoint; the files stay",
  ignore,
  async fn() {
    await using sides = await twoSides();
    await breakOff(sides, 2);
    const again = (client: Parameters<typeof trainBoth>[0]) =>
      trainBoth({ setting: five, checkpoints: sides.ours, ...client }, {
        checkpoints: sides.theirs,
      });
    await assertRejects(
      () => again({ setting: { ...five, batch: 10 } }),
      RangeError,
      "it holds another training",
    );
    const path = `${sides.ours.directory}/epoch-2.safetensors`;
    const whole = await Deno.readFile(path);
    for (const damaged of [whole.slice(0, -5), new Uint8Array(100), whole.slice(0, 3)]) {
      await Deno.writeFile(path, damaged);
      await assertRejects(() => again({}), Error, "Cannot read");
      assertEquals(await sides.ours.epochs(), [1, 2]);
    }
    await Deno.writeFile(path, whole);
    const { model } = await again({});
    assert(model.W1.length > 0);
  },
});

Deno.test({
  name: "train() ends with a clear reason when a side cannot save, and resumes when it can again",
  ignore,
  async fn() {
    await using sides = await twoSides();
    await breakOff(sides, 2);
    class Full extends Checkpoints {
      override save(): Promise<void> {
        return Promise.reject(new Error("Cannot write epoch-3: no space left on device"));
      }
    }
    const full = new Full(sides.ours.directory);
    const [client, server] = [{ setting: five, checkpoints: sides.ours }, {
      checkpoints: sides.theirs,
    }];
    await assertRejects(
      () => trainBoth({ ...client, checkpoints: full }, server),
      Error,
      "no space left",
    );
    await assertRejects(
      () => trainBoth(client, { checkpoints: (s) => new Full(sides.theirs(s).directory) }),
      Error,
      "no space left",
    );
    assertEquals(await sides.ours.epochs(), [1, 2]);
    const { model } = await trainBoth(client, server);
    assertEquals(await sides.theirs(model.session.toHex()).epochs(), [4, 5]);
  },
});
