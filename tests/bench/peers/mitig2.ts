/** The row of split training: MITIG2 over TLS until 96.8 % of MNIST's test images are right, the setting of notebook 03 in
 * the full profile. Client and server are processes of their own, on the same cores; from connecting to the end of the
 * epoch that reaches it, with the Workers' start and the test images' classes after each epoch. There is no peer.
 * @module */
import { join } from "node:path";
import { loadMnistFull } from "lib/data/mnist.ts";
import { blas } from "lib/math/blas.ts";
import { seededRng } from "lib/math/rng.ts";
import { loadCredentials } from "lib/net/identity.ts";
import { connect } from "lib/net/websocket.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { train } from "lib/protocol/mitig2/client.ts";
import { ServerParty } from "../../tools/party_processes.ts";
import { takeTurns } from "./turns.ts";

const setting = { ...MODERN, epochs: 12 };
const workers = navigator.hardwareConcurrency;
const ENOUGH = 0.968;

function prepare(): void {
  console.log(JSON.stringify({
    what:
      `MITIG2 over TLS to 96.8 %, 784-300-10, batch ${setting.batch}, both parties on ${workers} cores`,
    variants: [],
    peers: [],
    tolerance: 0.01,
  }));
}

/** Trains until it is enough. @returns the test accuracy. */
async function toEnough(data: Awaited<ReturnType<typeof loadMnistFull>>, server: ServerParty) {
  const { token, cert: caCert } = await loadCredentials(server.identity);
  const connection = await connect(server.url, { token, caCert });
  const enough = new AbortController();
  let accuracy = 0;
  try {
    await train(connection, data, {
      ...{ setting, workers, rng: seededRng(1), signal: enough.signal },
      onEpoch({ testAccuracy }) {
        accuracy = testAccuracy;
        if (accuracy >= ENOUGH) enough.abort();
      },
    });
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  if (accuracy < ENOUGH) throw new Error(`${accuracy} after ${setting.epochs} epochs`);
  return accuracy;
}

if (Deno.args[0] === "prepare") prepare();
else {
  const data = await loadMnistFull((message) => console.error(message));
  const folder = await Deno.makeTempDir({ dir: Deno.args[0] });
  const flags = ["--directory", join(folder, "server"), "--insecure-seed", "101"];
  await using server = await ServerParty.start("mitig2:server", folder, flags);
  await toEnough(data, server); // the first is slower
  const label = `ours, ${blas()?.name ?? "WebAssembly"}, ${workers} Workers`;
  await takeTurns(label, () => toEnough(data, server), String);
}
