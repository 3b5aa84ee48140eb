import { assert, assertEquals, assertRejects } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { Checkpoints } from "lib/net/checkpoints.ts";
import { classify, decodeModel } from "lib/protocol/mitig2/client.ts";
import { decodeUpper } from "lib/protocol/mitig2/files.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { inProcess } from "lib/net/connection.ts";
import { data, trainBoth } from "./fixtures.ts";
import { contents, five, ignore, TwoSides } from "./two_sides.ts";

Deno.test({
  name:
    "train() resumes after the last common checkpoint and ends where an unbroken run ends, on both sides",
  ignore,
  async fn() {
    await using whole = await TwoSides.make();
    const { model: expected } = await whole.train();
    const upper = async (side: TwoSides, session: Uint8Array) =>
      decodeUpper((await side.theirs(session.toHex()).model())!);
    for (const lost of [false, true]) { // whether the client's last checkpoint was not yet written
      await using sides = await TwoSides.make();
      await sides.breakOff(3);
      assertEquals(await sides.ours.epochs(), [1, 2, 3]);
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
    "classify() uses both saved parts: the predictions of the training's end, without a pixel sent",
  ignore,
  async fn() {
    await using sides = await TwoSides.make();
    const { model } = await trainBoth({ checkpoints: sides.ours }, { checkpoints: sides.theirs });
    const saved = decodeModel((await sides.ours.model())!);
    assertEquals(saved.W1, model.W1);
    const [ours, theirs] = inProcess();
    const ended = serve(theirs, { checkpoints: sides.theirs });
    assertEquals(await classify(ours, saved, data.test.x), model.predictions);
    ours.close();
    await ended;
  },
});

Deno.test({
  name:
    "train() refuses to resume another training, or when nothing is intact; the files stay as they are",
  ignore,
  async fn() {
    await using sides = await TwoSides.make();
    await sides.breakOff(2);
    await assertRejects(
      () => sides.train({ setting: { ...five, batch: 10 } }),
      RangeError,
      "it holds another training",
    );
    const { directory } = sides.ours;
    const kept = await contents(directory);
    for (const damaged of [new Uint8Array(100), new Uint8Array(0)]) {
      for (const epoch of [1, 2]) {
        await Deno.writeFile(`${directory}/epoch-${epoch}.safetensors`, damaged);
      }
      for (let twice = 0; twice < 2; twice++) {
        await assertRejects(
          () => sides.train(),
          RangeError,
          "Cannot resume from epoch-2.safetensors: Cannot read safetensors: ",
        );
      }
      assertEquals(await sides.ours.epochs(), [1, 2]);
    }
    for (const [path, hex] of Object.entries(kept)) {
      await Deno.writeFile(path, Uint8Array.fromHex(hex));
    }
    const { model } = await sides.train();
    assert(model.W1.length > 0);
  },
});

Deno.test({
  name: "train() ends with a clear reason when a side cannot save, and resumes when it can again",
  ignore,
  async fn() {
    await using sides = await TwoSides.make();
    await sides.breakOff(2);
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
    assertEquals(await sides.theirs(model.session.toHex()).epochs(), [3, 4, 5]);
  },
});
