/** The two commands as two processes over TLS; the oracle is training in this process, with nothing between the two. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { accuracyOf } from "lib/data/dataset.ts";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { classify, decodeModel } from "lib/protocol/mitig3/client.ts";
import { decodeHead } from "lib/protocol/mitig3/files.ts";
import { trainNarrow } from "lib/protocol/mitig3/local.ts";
import { NARROW } from "lib/protocol/mitig3/terms.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

const SMALL = ["--dataset", "mnist", "--units", "16", "--batch", "500", "--workers", "0", "--json"];

const startServer = (folder: string, ...flags: string[]) =>
  ServerParty.start("mitig3:server", folder, ["--directory", `${folder}/server`, ...flags]);

function client(folder: string, { url, identity }: ServerParty, ...flags: string[]): Party {
  const place = ["--directory", `${folder}/client`, "--identity", identity, "--url", url];
  return new Party("mitig3:client", [...place, ...SMALL, ...flags]);
}

const modelOf = async (folder: string) =>
  decodeModel(await Deno.readFile(`${folder}/client/model.safetensors`));

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
}

const test = (name: string, run: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(run) });

test("mitig3:client --json prints one true line and ends as one process does; --predict asks nobody", async (folder) => {
  const server = await startServer(folder, "--insecure-seed", "3");
  const seeded = ["--insecure-seed", "2", "--epochs", "3", "--sigma", "0.6"];
  const training = client(folder, server, ...seeded);
  assertEquals(await training.ended(), 0, training.stderr);
  const { seconds, bytesUp, bytesDown, session, clipped, testAccuracy, ...rest } = JSON.parse(
    training.stdout,
  );
  assertEquals(rest, {
    ...{ secondsTo968: null, resumedFrom: null, source: "insecureSeed=2", visits: 3, sigma: 0.6 },
    ...{ epochs: 3, dataset: "mnist", setting: "modern", units: 16, batch: 500, workers: 0 },
  });
  assert(seconds > 0 && clipped >= 0 && clipped <= 1 && testAccuracy > 0.5, training.stdout);
  const numbers = 4 * 10 * 3 * 9000; // z of the training images, and dz
  assert(bytesUp > numbers && bytesUp < 1.1 * numbers, `${bytesUp}`);
  assert(bytesDown > numbers && bytesDown < 1.1 * numbers, `${bytesDown}`);
  assertMatch(training.stderr, /^session [0-9a-f]{32}, weights and noise from insecureSeed=2\n/m);

  const data = await loadMnist();
  const setting = { ...NARROW, epochs: 3, batch: 500 };
  const options = { units: 16, sigma: 0.6, setting, insecureSeed: 2, headRng: seededRng(3) };
  const local = await trainNarrow(data.train, options);
  const model = await modelOf(folder);
  assertEquals(model.W1, local.first.W1);
  assertEquals(model.V, local.bottleneck.weights.V);
  assertEquals(model.head, local.head.weights);
  const saved = decodeHead(await Deno.readFile(`${folder}/server/${session}/model.safetensors`));
  assertEquals(saved.weights, local.head.weights);
  assertEquals(accuracyOf(await classify(model, data.test.x), data.test.y), testAccuracy);

  await server[Symbol.asyncDispose](); // classes are found at home
  const predicting = client(folder, server, "--predict");
  assertEquals(await predicting.ended(), 0, predicting.stderr);
  const { seconds: _, ...predicted } = JSON.parse(predicting.stdout);
  assertEquals(predicted, {
    ...{ testAccuracy, bytesUp: 0, bytesDown: 0, session, dataset: "mnist", images: 1000 },
  });
  assertMatch(server.process.stdout, /epoch 3 of 3, loss \d\.\d{4}$/m);
  if (Deno.build.os !== "windows") {
    const path = `${folder}/client/model.safetensors`;
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  }
});

test("mitig3:client resumes after SIGKILL of either side, counts the visits, and refuses more than --visits", async (folder) => {
  let server = await startServer(folder);
  const epochs = ["--epochs", "6", "--visits", "8"];
  const first = client(folder, server, ...epochs);
  const [, session] = await first.said(/session ([0-9a-f]{32}), weights and noise from csprng/);
  await first.said(/epoch 1\/6/);
  first.kill("SIGKILL");
  await first.ended();
  await server.process.said(/vanished without closing/);

  const second = client(folder, server, ...epochs);
  await second.said(/resuming session/);
  await second.said(/epoch \d\/6/);
  server.process.kill("SIGKILL");
  await server.process.ended();
  assertEquals(await second.ended(), 1);
  assertMatch(second.stderr, /vanished.*; start again to resume after epoch \d\n$/);

  server = await startServer(folder);
  const few = client(folder, server, "--epochs", "6", "--visits", "6");
  assertEquals(await few.ended(), 1);
  assertMatch(few.stderr, /every image would be sent [78] times, at most 6/);
  const kept = (await names(`${folder}/client`)).filter((name) => name.startsWith("epoch-"));
  assertGreater(kept.length, 0);

  const third = client(folder, server, ...epochs);
  assertEquals(await third.ended(), 0, third.stderr);
  const result = JSON.parse(third.stdout);
  assertEquals([result.session, result.source], [session, "csprng"]);
  assert(result.visits > 6 && result.visits <= 8, third.stdout);
  assertGreater(result.testAccuracy, 0.5);
  assertLess(0, result.resumedFrom);
  assertEquals(await names(`${folder}/client`), ["lock", "model.safetensors"]);
  await server[Symbol.asyncDispose]();
});

test("mitig3:client takes no noise only by name, a seed by --insecure-seed alone, and says what is wrong in one line", async (folder) => {
  const place = ["--identity", `${folder}/tls`, "--directory", folder];
  await using server = await startServer(folder);
  const to = [...place, "--url", server.url, "--dataset", "mnist"];
  const cases: [task: string, flags: string[], status: number, line: string][] = [
    ["client", ["--sigma", "0"], 2, '--sigma must be a positive number: got "0"'],
    ["client", ["--sigma", "-1"], 2, '--sigma must be a positive number: got "-1"'],
    ["client", ["--sigma", "much"], 2, '--sigma must be a positive number: got "much"'],
    ["client", ["--epochs", "0"], 2, "--epochs must be an integer in [1, 10000]"],
    ["client", ["--seed", "3"], 2, "unknown flag --seed: did you mean --insecure-seed?"],
    ["client", [...to, "--visits", "2"], 1, "visits = 2, expected an integer of at least 5"],
    ["client", [...place, "--predict"], 1, "Cannot predict: there is no finished model in"],
    ["server", ["--seed", "3"], 2, "unknown flag --seed: did you mean --insecure-seed?"],
  ];
  await Promise.all(cases.map(async ([role, flags, status, line]) => {
    const party = new Party(`mitig3:${role}`, flags);
    assertEquals(await party.ended(), status, line);
    assertStringIncludes(party.stderr, `mitig3:${role}: `);
    assertStringIncludes(party.stderr, line);
    assertEquals(party.stderr.split("\n").length, 2);
    assertEquals(party.stdout, "");
  }));
});
