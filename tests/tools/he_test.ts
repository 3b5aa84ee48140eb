/** The two commands as two processes over TLS; the oracle is the same training in the clear. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { loadExample } from "lib/he/examples.ts";
import { countRight, trainClear } from "lib/he/learner.ts";
import { seededRng } from "lib/math/rng.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

Deno.test({
  name: "he:client --json trains over TLS as the clear twin does, and both end in order",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      await using server = await ServerParty.start("he:server", folder);
      const place = ["--url", server.url, "--identity", server.identity];
      const client = new Party("he:client", [...place, "--epochs", "2", "--json"]);
      assertEquals(await client.ended(), 0, client.stderr);
      const { seconds, stepSeconds, bytesUp, bytesDown, ...rest } = JSON.parse(client.stdout);
      const { train, test, setting } = await loadExample("patients");
      const twin = trainClear(train, { ...setting, epochs: 2 }, seededRng(0));
      assertEquals(rest, {
        testAccuracy: countRight(test, twin) / test.count,
        trainAccuracy: countRight(train, twin) / train.count,
        ...{ data: "patients", epochs: 2, steps: 2, source: "csprng" },
      });
      assert(0 < stepSeconds && stepSeconds < seconds);
      assertGreater(bytesUp, 9e6); // keys
      assertGreater(bytesDown, 2 * 4 * 100_000);
      assertMatch(client.stderr, /^patients: 455 samples of 30 numbers, weights from csprng$/m);
      assertMatch(client.stderr, /^step 2\/2 {2}\d+\.\d s, 0\.0 s left$/m);
      assertMatch(server.process.stdout, /training: 31-1, 1 batches of 455, all encrypted/);
      assertMatch(server.process.stdout, /training finished after 2 steps/);

      const wrong = new Party("he:client", [...place, "--data", "faces"]);
      assertEquals(await wrong.ended(), 2);
      assertMatch(wrong.stderr, /--data must be one of patients, iris, digits: got "faces"/);
    }),
});
