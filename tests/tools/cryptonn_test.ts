/** CryptoNN's three commands as three processes over TLS; the oracle is the same training in the clear. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { firstImages, poolImages } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { trainPlain } from "lib/protocol/cryptonn/in_process.ts";
import { fixedAccuracy } from "lib/protocol/fixed_net.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

const asked = { samples: 8, test: 10, pool: 7, hidden: 2, batch: 4, epochs: 2 };
const flags = Object.entries(asked).flatMap(([name, value]) => [`--${name}`, `${value}`]);

/** The accuracy and the last loss that the three must reach: seed 3. */
async function plainRun(): Promise<{ testAccuracy: number; loss: number }> {
  const digits = await loadMnist();
  const images = firstImages(poolImages(digits.train, asked.pool), asked.samples);
  const run = { hidden: 2, batch: 4, steps: 4, learningRate: 1, insecureSeed: 3 };
  let loss = NaN;
  const { net } = await trainPlain(images, { ...run, onStep: (record) => loss = record.loss });
  const unseen = firstImages(poolImages(digits.test, asked.pool), asked.test);
  return { testAccuracy: await fixedAccuracy(net, unseen), loss };
}

/** An authority, and a server that knows it, each with an identity of its own. */
async function parties(folder: string) {
  const authority = await ServerParty.start("cryptonn:authority", `${folder}/authority`);
  const known = ["--authority", authority.url, "--authority-identity", authority.identity];
  const server = await ServerParty.start("cryptonn:server", `${folder}/server`, [
    ...["--workers", "1", "--insecure-seed", "3", ...known],
  ]);
  const place = ["--url", server.url, "--identity", server.identity, ...known];
  const client = (...flags: string[]) => new Party("cryptonn:client", [...place, ...flags]);
  return { authority, server, client };
}

const test = (name: string, run: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(run) });

test("cryptonn:client --json trains over TLS as the plain run does, to the last bit of its loss", async (folder) => {
  const { authority, server, client } = await parties(folder);
  const training = client(...flags, "--learning-rate", "1", "--json");
  assertEquals(await training.ended(), 0, training.stderr);
  const { seconds, trainSeconds, bytesUp, bytesDown, ...rest } = JSON.parse(training.stdout);
  assertEquals(rest, { ...asked, learningRate: 1, ...await plainRun() });
  assert(0 < trainSeconds && trainSeconds < seconds);
  assertGreater(bytesUp, (18 * 17 + 2 * 16 * 5) * 32); // samples, columns of two batches
  assertGreater(bytesDown, 20 * 32); // public keys
  assertMatch(training.stderr, /^mnist train .*pooled to 4×4.*, 16 pixels$/m);
  assertMatch(training.stderr, /^encrypted 40\/40 /m);
  assertMatch(training.stderr, /^step 4\/4 {2}loss \d\.\d{4} {2}\d+\.\d s, 0\.0 s left$/m);

  for (const { process } of [server, authority]) {
    process.kill("SIGTERM");
    assertEquals(await process.ended(), 0);
    assertMatch(process.stdout, / stopped\n$/);
  }
  assertMatch(server.process.stdout, /weights from insecureSeed=3: 16-2-10, 8 samples, 4 steps/);
  assertMatch(server.process.stdout, /epoch 2 of 2, loss \d\.\d{4}\n.* training finished\n/);
  assertMatch(authority.process.stdout, /listening at wss:\/\/127\.0\.0\.1:\d+\n/);
  assertMatch(
    authority.process.stdout,
    /session of length 16 and 4, entries up to 8192 and 16384\n(.*\n)*.*ended: .*\(done\)/,
  );
});

test("cryptonn:client says that the authority vanished, and so does the server, which serves on", async (folder) => {
  const { authority, server, client } = await parties(folder);
  const training = client("--samples", "400", "--test", "1");
  await training.said(/^step 1\//m);
  authority.process.kill("SIGKILL");
  await authority.process.ended();
  assertEquals(await training.ended(), 1);
  assertMatch(
    training.stderr,
    /^cryptonn:client: .*Cannot receive from localhost:\d+: it (vanished without|closed the).*\n$/m,
  );
  const again = client(...flags);
  assertEquals(await again.ended(), 1);
  assertMatch(
    again.stderr,
    /^cryptonn:client: Cannot connect to wss:\/\/localhost:\d+: .*REFUSED/m,
  );
  assertEquals(again.stdout, "");
  server.process.kill("SIGTERM");
  assertEquals(await server.process.ended(), 0);
  assertMatch(server.process.stdout, /ended: /);
});

test("cryptonn:client and cryptonn:server end in order on SIGINT, and say whom they miss", async (folder) => {
  const { authority, server, client } = await parties(folder);
  const training = client("--samples", "400");
  await training.said(/^step 1\//m);
  training.kill("SIGINT");
  assertEquals(await training.ended(), 130);
  assertMatch(training.stderr, /^cryptonn:client: the client was stopped\n$/m);
  await server.process.said(/it closed the connection \(the client was stopped\)/);
  await authority.process.said(/ended: it closed the connection/);

  const next = client("--samples", "400");
  await next.said(/^step 1\//m);
  server.process.kill("SIGTERM");
  assertEquals(await server.process.ended(), 0);
  assertEquals(await next.ended(), 1);
  assertMatch(next.stderr, /it closed the connection \(the server stops\)\n$/);
  authority.process.kill("SIGTERM");
  assertEquals(await authority.process.ended(), 0);

  const none = ["--identity", `${folder}/none`];
  const lost = new Party("cryptonn:client", none);
  assertEquals(await lost.ended(), 1);
  assertMatch(lost.stderr, /none\/cert.pem: it is missing; start deno task cryptonn:server first/);
  const orphan = new Party("cryptonn:server", ["--authority-identity", `${folder}/none`]);
  assertEquals(await orphan.ended(), 1);
  assertMatch(orphan.stderr, /it is missing; start deno task cryptonn:authority first/);
});
