/** The two commands as two processes over TLS; the oracle is the plain fixed-point run of the same network. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { firstImages, poolImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { DEFAULT_SCALES, fixedAccuracy, initialFixedW1 } from "lib/protocol/fixed_net.ts";
import { trainFixed } from "lib/protocol/fixed_train.ts";
import { initHead } from "lib/protocol/head.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party } from "./party_processes.ts";

const asked = { samples: 8, test: 10, pool: 7, hidden: 2, batch: 4, epochs: 2 };
const flags = Object.entries(asked).flatMap(([name, value]) => [`--${name}`, `${value}`]);
const scales = DEFAULT_SCALES;

/** The accuracy that the two must reach: seeds 2 and 3. */
async function plainAccuracy(): Promise<number> {
  const digits = await loadMnist();
  const images = firstImages(poolImages(digits.train, asked.pool), asked.samples);
  const W1 = initialFixedW1({ n: 16, hidden: 2 }, scales, seededRng(2));
  const start = { n: 16, scales, W1, head: initHead(2, 10, seededRng(3)) };
  const { net } = await trainFixed(start, images, { batch: 4, steps: 4, learningRate: 1 });
  return fixedAccuracy(net, firstImages(poolImages(digits.test, asked.pool), asked.test));
}

Deno.test({
  name:
    "mitig1:client --json trains over TLS as the plain fixed-point run does, and both end in order",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const identity = ["--identity", `${folder}/tls`];
      const server = new Party("mitig1:server", [
        ...["--port", "0", "--workers", "1", "--insecure-seed", "3"],
        ...identity,
      ]);
      const [, port] = await server.said(/listening at wss:\/\/127\.0\.0\.1:(\d+)/);
      const place = ["--url", `wss://localhost:${port}`, ...identity, "--insecure-seed", "2"];
      const client = new Party("mitig1:client", [
        ...[...flags, ...place],
        ...["--learning-rate", "1", "--json"],
      ]);
      assertEquals(await client.ended(), 0, client.stderr);
      const { seconds, trainSeconds, bytesUp, bytesDown, ...rest } = JSON.parse(
        client.stdout,
      );
      const testAccuracy = await plainAccuracy();
      assertEquals(rest, {
        ...asked,
        ...{ testAccuracy, learningRate: 1, source: "insecureSeed=2", keysPer: "batch" },
      });
      assert(0 < trainSeconds && trainSeconds < seconds);
      assertGreater(bytesUp, (8 + 10) * 19 * 96 + (4 + 1) * 2 * 19 * 48);
      assertGreater(bytesDown, 4 * 2 * 4 * 4);
      assertMatch(
        client.stderr,
        /^mnist train .*pooled to 4×4.*, 16 pixels, W1 from insecureSeed=2$/m,
      );
      assertMatch(client.stderr, /^encrypted 8\/8 .*\n(step .*\n)+$/m);
      assertMatch(client.stderr, /^step 4\/4 {2}loss \d\.\d{4} {2}\d+\.\d s, 0\.0 s left$/m);
      assertMatch(
        server.stdout,
        /16-2-10, 8 samples, 2 epochs, batch 4, learning rate 1, a master key per batch, 1 Workers/,
      );

      const wrong = new Party("mitig1:client", [...place, "--learning-rate", "0"]);
      assertEquals(await wrong.ended(), 2);
      assertMatch(wrong.stderr, /--learning-rate must be a positive number: got "0"/);
      server.kill("SIGTERM");
      assertEquals(await server.ended(), 0);
      assertMatch(server.stdout, /epoch 2 of 2, loss \d\.\d{4}\n(.*\n)*.* stopped\n$/);
    }),
});
