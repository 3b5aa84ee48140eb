import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { secureRng } from "lib/math/rng.ts";
import { encodeMessage } from "lib/net/wire.ts";
import { readInvitation, writeInvitation } from "lib/protocol/sfedv/invitation.ts";
import { linearFields } from "lib/protocol/sfedv/linear.ts";
import { permitted, withFolder } from "../../tools/fixtures.ts";

const rng = secureRng();
const terms = {
  ...{ n: 4, count: 9, batch: 3, epochs: 2, learningRate: 0.25 },
  ...{ featureBits: 4, weightBits: 6, boundX: 2 ** 7, boundY: 2 ** 5 },
};
const secrets = { token: rng.bytes(16), maskSecret: rng.bytes(32), training: rng.bytes(16) };
const invitation = { terms, ...secrets, from: 2, to: 6 };

Deno.test({
  name: "readInvitation() reads what writeInvitation() wrote, for its owner only",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const path = await writeInvitation(`${folder}/new`, 2, invitation);
      assertEquals(path, `${folder}/new/party-2.invitation`);
      assertEquals(await readInvitation(path), invitation);
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
      assertEquals((await Deno.stat(`${folder}/new`)).mode! & 0o777, 0o700);
    }),
});

Deno.test({
  name: "readInvitation() refuses a file that is none, by its name",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const fields = { ...linearFields(terms), ...secrets, from: 2, to: 6 };
      const cases: [bytes: Uint8Array, state: string][] = [
        [new Uint8Array(0), ""],
        [encodeMessage("joined", fields), ""],
        [encodeMessage("invitation", fields).subarray(0, 60), ""],
        [encodeMessage("invitation", { ...fields, to: 7 }), "columns 2 to 7 of 6"],
        [encodeMessage("invitation", { ...fields, from: 6 }), "columns 6 to 6 of 6"],
        [encodeMessage("invitation", { ...fields, count: 0 }), "count = 0 is not"],
        [
          encodeMessage("invitation", { ...fields, maskSecret: rng.bytes(31) }),
          "maskSecret has 31 bytes, expected 32",
        ],
      ];
      const path = `${folder}/x`;
      for (const [bytes, state] of cases) {
        await Deno.writeFile(path, bytes, { mode: 0o600 });
        const error = await assertRejects(() => readInvitation(path), DataError, state);
        assertEquals(error.message.startsWith(`Cannot use the invitation ${path}: `), true);
      }
      await assertRejects(
        () => readInvitation(`${folder}/y`),
        DataError,
        "it is missing; party 1 writes it",
      );
    }),
});

Deno.test({
  name: "readInvitation() refuses a file that others can read, and says how to change that",
  ignore: !permitted || Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const path = await writeInvitation(folder, 2, invitation);
      for (const mode of [0o640, 0o604, 0o660]) {
        await Deno.chmod(path, mode);
        await assertRejects(
          () => readInvitation(path),
          DataError,
          `Cannot use the invitation ${path}: its mode ${
            mode.toString(8)
          } lets others at it; run chmod 600 ${path}`,
        );
      }
      await Deno.chmod(path, 0o400);
      assertEquals(await readInvitation(path), invitation);
    }),
});
