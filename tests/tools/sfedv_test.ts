/** The three commands as processes over TLS; the oracle is the same training in the clear. */
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { clearGradients } from "lib/nn/linear.ts";
import { firstSamples } from "lib/study/gram_once.ts";
import { patientSamples, trainPatients } from "lib/study/patients.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

Deno.test({
  name:
    "sfedv:client --json trains an epoch over TLS, in three processes, as the clear twin does, bit for bit",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.mkdir(`${folder}/keys`);
      await using authority = await ServerParty.start("sfedv:authority", `${folder}/keys`);
      const keys = ["--authority", authority.url, "--authority-identity", authority.identity];
      const flags = [...keys, "--workers", "0"];
      await using aggregator = await ServerParty.start("sfedv:aggregator", folder, flags);
      const place = ["--url", aggregator.url, "--identity", aggregator.identity, ...keys];
      const client = new Party("sfedv:client", [...place, "--samples", "20", "--json"]);
      assertEquals(await client.ended(), 0, client.stderr);
      const { testAccuracy, weights, bytesUp, samples, epochs, parties } = JSON.parse(
        client.stdout,
      );
      const { train, test } = await patientSamples();
      const own = firstSamples(train, 20);
      const twin = await trainPatients({ train: own, test }, {
        epochs: 1,
        gradient: clearGradients(own, 16),
      });
      assertEquals(weights, [...twin.weights]);
      assertEquals([testAccuracy, samples, epochs, parties], [twin.accuracy.rate, 20, 1, 2]);
      assertGreater(bytesUp, 20 * 9000);
      assertMatch(aggregator.process.stdout, /training: 30 features of 20 samples, 2 steps/);
      assertMatch(aggregator.process.stdout, /training finished after 2 steps/);
      const many = new Party("sfedv:client", [...place, "--samples", "456"]);
      assertEquals(await many.ended(), 2);
      assertMatch(many.stderr, /--samples/);
    }),
});
