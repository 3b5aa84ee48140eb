/** The two commands as two processes over TLS; the oracle is local training of the same network. */
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { assertStringIncludes } from "@std/assert";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { accuracy, initialUpper, initialW1, type Mlp } from "lib/nn/mlp.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { trainMlp } from "lib/nn/train.ts";
import { decodeModel } from "lib/protocol/mitig2/client.ts";
import { decodeUpper } from "lib/protocol/mitig2/files.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

const sizes = { n: 784, hidden: 16, classes: 10 };
const SMALL = ["--dataset", "mnist", "--hidden", "16", "--epochs", "5", "--batch", "512"];
const SEEDED = [...SMALL, "--workers", "0", "--insecure-seed", "2", "--json"];

/** What client and server must end with, computed once in this process: seeds 2 and 3. */
let expected: Promise<{ mlp: Mlp; testAccuracy: number }> | undefined;
const unbroken = () =>
  expected ??= (async () => {
    const data = await loadMnist();
    const rng = seededRng(2);
    const W1 = initialW1(sizes, "glorot", rng);
    const start = { ...sizes, W1, ...initialUpper(sizes, "glorot", seededRng(3)) };
    const mlp = await trainMlp(start, data.train, { ...MODERN, epochs: 5, batch: 512, rng });
    return { mlp, testAccuracy: accuracy(mlp, data.test) };
  })();

const startServer = (folder: string, ...flags: string[]) =>
  ServerParty.start("mitig2:server", folder, [
    "--directory",
    `${folder}/server`,
    "--insecure-seed",
    "3",
    ...flags,
  ]);

function client(folder: string, { url, identity }: ServerParty, ...flags: string[]): Party {
  const place = ["--directory", `${folder}/client`, "--identity", identity, "--url", url];
  return new Party("mitig2:client", [...place, ...flags]);
}

/** Asserts that both sides' files hold the weights of the unbroken training. */
async function assertUnbroken(folder: string, session: string): Promise<void> {
  const { mlp } = await unbroken();
  const { W1 } = decodeModel(await Deno.readFile(`${folder}/client/model.safetensors`));
  assertEquals(W1, mlp.W1);
  const upper = await Deno.readFile(`${folder}/server/${session}/model.safetensors`);
  const { b1, W2, b2 } = mlp;
  assertEquals(decodeUpper(upper).weights, { b1, W2, b2 });
}

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
}

const test = (name: string, run: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(run) });

test("mitig2:client --json prints one true line, and --predict gives the same accuracy", async (folder) => {
  const { testAccuracy } = await unbroken();
  await using server = await startServer(folder);
  const training = client(folder, server, ...SMALL, "--insecure-seed", "2", "--json");
  assertEquals(await training.ended(), 0, training.stderr);
  const { seconds, bytesUp, bytesDown, session, ...rest } = JSON.parse(training.stdout);
  assertEquals(rest, {
    ...{ testAccuracy, secondsTo968: null, resumedFrom: null, source: "insecureSeed=2" },
    ...{ epochs: 5, dataset: "mnist", setting: "modern", labels: "server", hidden: 16 },
    ...{ batch: 512, workers: navigator.hardwareConcurrency },
  });
  assertLess(0, seconds);
  const numbers = 4 * 16 * 5 * 9000; // z1 of the training images, and dz1
  assertGreater(bytesUp, numbers + 5 * 4 * 16 * 1000);
  assertLess(bytesUp, 1.2 * numbers + 5 * 4 * 16 * 1000);
  assert(bytesDown > numbers && bytesDown < 1.1 * numbers, `${bytesDown}`);
  assertMatch(
    training.stderr,
    /^session [0-9a-f]{32}, W1 from insecureSeed=2\nepoch 1\/5 {2}loss/m,
  );
  assertMatch(training.stderr, /epoch 5\/5 .* test accuracy \d\d\.\d\d % .* 0\.0 s left\n$/);
  await assertUnbroken(folder, session);
  assertEquals(await names(`${folder}/client`), ["lock", "model.safetensors"]);
  if (Deno.build.os !== "windows") {
    const mode = async (path: string) => (await Deno.stat(`${folder}/${path}`)).mode! & 0o777;
    for (const directory of ["client", "server", `server/${session}`, "tls"]) {
      assertEquals(await mode(directory), 0o700, directory);
      for (const name of await names(`${folder}/${directory}`)) {
        if (name === session || name === "cert.pem") continue;
        assertEquals(await mode(`${directory}/${name}`), 0o600, name);
      }
    }
  }

  const predicting = client(folder, server, "--dataset", "mnist", "--predict", "--json");
  assertEquals(await predicting.ended(), 0, predicting.stderr);
  const predicted = JSON.parse(predicting.stdout);
  assertEquals([predicted.testAccuracy, predicted.images], [testAccuracy, 1000]);
  assertLess(predicted.bytesUp, 1000 * 784); // less than the pixels

  await Deno.truncate(`${folder}/client/model.safetensors`, 5000);
  const damaged = client(folder, server, "--dataset", "mnist", "--predict");
  assertEquals(await damaged.ended(), 1);
  assertMatch(
    damaged.stderr,
    /^mitig2:client: Cannot use model.safetensors: Cannot read safetensors: its SHA.*\/client\)\n$/,
  );

  const { stdout } = server.process;
  assertMatch(stdout, /weights from insecureSeed=3$/m);
  assertMatch(stdout, /127\.0\.0\.1:\d+ epoch 5 of 5, loss \d\.\d{4}$/m);
  assertMatch(stdout, /ended: it closed the connection \(done\)$/m);
});

test("mitig2:client resumes after SIGKILL of either side to the weights of an unbroken training", async (folder) => {
  let server = await startServer(folder);
  const first = client(folder, server, ...SEEDED);
  const [, session] = await first.said(/session ([0-9a-f]{32})/);
  await first.said(/epoch 1\/5/);
  first.kill("SIGKILL");
  await first.ended();
  await server.process.said(/vanished without closing/);

  const second = client(folder, server, ...SEEDED);
  await second.said(/epoch \d\/5/); // each goes on for a moment before it is killed
  server.process.kill("SIGKILL");
  await server.process.ended();
  assertEquals(await second.ended(), 1);
  assertMatch(second.stderr, /^resuming session .* after epoch \d, W1 from insecureSeed=2$/m);
  assertMatch(second.stderr, /vanished.*; start again to resume after epoch \d\n$/);
  assertEquals(second.stdout, "");

  // And a bit of the client's last checkpoint has flipped meanwhile.
  const kept = (await names(`${folder}/client`)).filter((name) => name.startsWith("epoch-"));
  const newest = `${folder}/client/${kept.at(-1)}`;
  const bytes = await Deno.readFile(newest);
  bytes[bytes.length >> 1] ^= 1;
  await Deno.writeFile(newest, bytes);
  const last = Number(/\d+/.exec(kept.at(-2)!)![0]);
  server = await startServer(folder);
  // Another seed: nothing is drawn anew, and what was drawn before is still said.
  const third = client(folder, server, ...SMALL, "--json");
  assertEquals(await third.ended(), 0, third.stderr);
  assertStringIncludes(
    third.stderr,
    `mitig2:client: ${kept.at(-1)} is set aside as ${kept.at(-1)}.damaged: `,
  );
  assertEquals(await Deno.readFile(`${newest}.damaged`), bytes);
  const result = JSON.parse(third.stdout);
  const { testAccuracy } = await unbroken();
  assertEquals(
    [result.session, result.resumedFrom, result.source, result.testAccuracy],
    [session, last, "insecureSeed=2", testAccuracy],
  );
  await assertUnbroken(folder, session);
  await server[Symbol.asyncDispose]();
});

test("mitig2:client and mitig2:server end in order on SIGINT and SIGTERM, and --fresh starts over", async (folder) => {
  let server = await startServer(folder);
  const first = client(folder, server, ...SEEDED);
  await first.said(/epoch 1\/5/);
  first.kill("SIGINT");
  assertEquals(await first.ended(), 130);
  assertMatch(first.stderr, /the client was stopped; start again to resume after epoch \d\n$/);
  await server.process.said(/it closed the connection \(the client was stopped\)/);

  const second = client(folder, server, ...SEEDED);
  await second.said(/resuming session/);
  server.process.kill("SIGTERM");
  assertEquals(await server.process.ended(), 0);
  assertMatch(server.process.stdout, /stopping\n(.*\n)*.* stopped\n$/);
  assertEquals(await second.ended(), 1);
  assertStringIncludes(second.stderr, "it closed the connection (the server stops); start again");

  server = await startServer(folder);
  const fresh = client(folder, server, ...SEEDED, "--fresh");
  assertEquals(await fresh.ended(), 0, fresh.stderr);
  const { session, resumedFrom } = JSON.parse(fresh.stdout);
  assertEquals(resumedFrom, null);
  await assertUnbroken(folder, session);
  await server[Symbol.asyncDispose]();
});

test("mitig2:client says in one line what keeps it from training, and leaves the files alone", async (folder) => {
  await using server = await startServer(folder);
  const directory = `${folder}/client`;
  await Deno.mkdir(directory);
  const damaged = `${directory}/epoch-1.safetensors`;
  const cases: [what: string, flags: string[], line: RegExp][] = [
    [
      "no server",
      ["--url", "wss://localhost:1"],
      /Cannot connect to wss:\/\/localhost:1: .*REFUSED/,
    ],
    [
      "no credentials",
      ["--identity", `${folder}/none`],
      /cert.pem: it is missing; start deno task mitig2:server first/,
    ],
    [
      "another token",
      ["--identity", `${folder}/other`],
      /the server refused the token \(wrong token\)/,
    ],
    [
      "a token that others can read",
      ["--identity", `${folder}/open`],
      /open\/token: its mode 644 lets others at it; run chmod 600 .*\/open\/token/,
    ],
    [
      "a damaged checkpoint",
      [],
      /Cannot resume from epoch-1.safetensors: Cannot read safetensors: .*--fresh discards it/,
    ],
  ];
  await Deno.mkdir(`${folder}/other`);
  await Deno.copyFile(`${folder}/tls/cert.pem`, `${folder}/other/cert.pem`);
  await Deno.writeTextFile(`${folder}/other/token`, `${"A".repeat(43)}\n`, { mode: 0o600 });
  await Deno.mkdir(`${folder}/open`);
  await Deno.copyFile(`${folder}/tls/cert.pem`, `${folder}/open/cert.pem`);
  await Deno.writeTextFile(`${folder}/open/token`, "", { mode: 0o644 });
  await Deno.writeTextFile(damaged, "not safetensors");
  if (Deno.build.os === "windows") cases.splice(3, 1); // it knows no such modes
  await Promise.all(cases.map(async ([what, flags, line]) => {
    const given = new Map([["--url", server.url], ["--identity", server.identity]]);
    if (flags.length > 0) given.set(flags[0], flags[1]);
    const all = ["--directory", directory, ...SMALL, ...[...given].flat()];
    const party = new Party("mitig2:client", all);
    assertEquals(await party.ended(), 1, what);
    assertMatch(party.stderr, new RegExp(`^mitig2:client: .*${line.source}.*\n$`), what);
    assertEquals(party.stdout, "");
  }));
  assertEquals(await Deno.readTextFile(damaged), "not safetensors");
  assertStringIncludes(server.process.stdout, "refused: wrong token");
});

test("mitig2:server and mitig2:client take a seed by --insecure-seed alone, and refuse what cannot be", async (folder) => {
  const place = ["--identity", `${folder}/tls`, "--directory", folder];
  await using server = await startServer(folder);
  const { port } = new URL(server.url);
  const cases: [task: string, flags: string[], status: number, line: string][] = [
    ["server", ["--seed", "3"], 2, "unknown flag --seed: did you mean --insecure-seed?"],
    [
      "client",
      ["--insecureSeed=3"],
      2,
      "unknown flag --insecureSeed: did you mean --insecure-seed?",
    ],
    ["server", [...place, "--port", port], 1, `Cannot listen at 127.0.0.1:${port}: `],
    ["server", [...place, "--host", "gpu.example"], 1, "it is not for gpu.example; remove"],
    ["client", [...place, "--predict"], 1, "Cannot predict: there is no finished model in"],
  ];
  for (const [role, flags, status, line] of cases) {
    const party = new Party(`mitig2:${role}`, flags);
    assertEquals(await party.ended(), status);
    assertStringIncludes(party.stderr, `mitig2:${role}: `);
    assertStringIncludes(party.stderr, line);
    assertEquals(party.stderr.split("\n").length, 2);
  }
});
