/** `deno task attack --against`, on a fresh training and on one that a server recorded. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { seededRng } from "lib/math/rng.ts";
import { npy, zip } from "../data/weight_files.ts";
import { ended, permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

const script = new URL("../../lib/tools/attack.ts", import.meta.url).href;

const attack = (...args: string[]) =>
  ended(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", script, ...args],
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

test("--against mitig2 --attack decoder --json measures one attack on a fresh training", async () => {
  const size = ["--train", "100", "--known", "60", "--epochs", "2", "--hidden", "30"];
  const { code, stdout, stderr } = await attack(
    ...["--against", "mitig2", "--attack", "decoder", "--seed", "1", "--json", ...size],
  );
  assertEquals(code, 0, stderr);
  const found = JSON.parse(stdout);
  assertEquals(
    [found.against, found.attack, found.samples, found.recovered, found.insecureSeed, found.known],
    ["mitig2", "decoder", 100, 40, 1, 60],
  );
  assert(found.mse > 0 && found.floor > 0 && found.part > 0, stdout);
});

test("--against draws with --out, on images of one's own in folders by class", () =>
  withFolder(async (folder) => {
    const noise = seededRng(1).bytes(160 * 64);
    const y = Array.from({ length: 160 }, (_, k) => k % 2);
    const arrays = { "x.npy": npy(noise, [160, 8, 8], "|u1"), "y.npy": npy(y, [160], "|u1") };
    await Deno.writeFile(`${folder}/own.npz`, zip(arrays));
    const own = ["--images-from", `${folder}/own.npz`, "--out", `${folder}/drawn`];
    const flags = ["--against", "mitig2", "--attack", "decoder", "--hidden", "16", "--seed", "1"];
    const { code, stdout, stderr } = await attack(...flags, ...own, "--labels", "y");
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "100 samples"); // every third is public, and batches are of 50
    assertStringIncludes(stdout, `original | recovered: ${folder}/drawn/grid.png`);
    const files = await Array.fromAsync(Deno.readDir(`${folder}/drawn`), ({ name }) => name);
    assertEquals(files.length, 11);
    await Deno.writeFile(`${folder}/bare.npy`, npy(noise, [160, 8, 8], "|u1"));
    const unlabelled = await attack(...flags, "--images-from", `${folder}/bare.npy`);
    assertEquals(unlabelled.code, 2);
    assertStringIncludes(unlabelled.stderr, "--against needs labels: a subfolder for each class");
  }));

test("what does not fit together is refused in one line, status 2", async () => {
  const faults: [string[], string][] = [
    [["--against", "mitig2"], "--against needs --attack"],
    [["--attack", "gram"], "--attack is for --against"],
    [["--against", "mitig2", "--attack", "gradient"], "is for cryptonn, not mitig2"],
    [["--against", "mitig3", "--attack", "align", "--sigma", "0"], "--sigma must be a positive"],
    [["--against", "mitig2", "--attack", "align", "--train", "70"], "a multiple of 50"],
    [["--against", "mitig2", "--attack", "align", "--known", "5"], "takes no known images"],
    [["--against", "mitig2", "--attack", "align", "--names", "n"], "--names is for --run"],
    [
      ["--against", "mitig2", "--attack", "align", "--labels", "y"],
      "--labels is for --images-from",
    ],
    [
      ["--against", "mitig2", "--attack", "align", "--images", "3"],
      "--images is for single images, not --against",
    ],
    [
      ["--against", "mitig2", "--attack", "align", "--run", "x", "--seed", "1"],
      "--seed is for a fresh",
    ],
  ];
  for (const [args, message] of faults) {
    const { code, stdout, stderr } = await attack(...args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, message);
  }
});

test("a server records what it saw with --record, and --run attacks it", () =>
  withFolder(async (folder) => {
    const identity = ["--identity", `${folder}/tls`];
    const server = new Party("mitig1:server", [
      ...["--port", "0", "--workers", "1", "--record", `${folder}/seen`, ...identity],
    ]);
    const [, port] = await server.said(/listening at wss:\/\/127\.0\.0\.1:(\d+)/);
    const client = new Party("mitig1:client", [
      ...["--url", `wss://localhost:${port}`, ...identity, "--samples", "4", "--test", "1"],
      ...["--pool", "7", "--hidden", "2", "--batch", "2", "--epochs", "3"],
    ]);
    assertEquals(await client.ended(), 0, client.stderr);
    const [, file] = await server.said(/recorded (\S+\.safetensors)/);
    server.kill("SIGTERM");
    assertEquals(await server.ended(), 0);
    const run = ["--against", "mitig1", "--attack", "gram", "--run", file, "--json"];
    const { code, stdout, stderr } = await attack(...run);
    assertEquals(code, 0, stderr);
    const { samples, mse, run: path } = JSON.parse(stdout);
    assertEquals([samples, mse, path], [4, null, file]);
    const other = await attack("--against", "mitig2", "--attack", "gram", "--run", file);
    assertEquals(other.code, 2);
    assertStringIncludes(other.stderr, "--run is a training of mitig1, not mitig2");
  }));

test("the client keeps which image it sent when with --record-names, and attacks on the run are held to it", () =>
  withFolder(async (folder) => {
    const server = await ServerParty.start("mitig3:server", folder, [
      ...["--directory", `${folder}/server`, "--record", `${folder}/seen`],
    ]);
    const client = new Party("mitig3:client", [
      ...["--url", server.url, "--identity", server.identity, "--directory", `${folder}/client`],
      ...["--dataset", "mnist", "--units", "8", "--epochs", "2", "--batch", "500"],
      ...["--workers", "0", "--record-names", `${folder}/names`],
    ]);
    assertEquals(await client.ended(), 0, client.stderr);
    const [, names] = await client.said(/which image was sent when is in (\S+\.safetensors)/);
    const [, run] = await server.process.said(/recorded (\S+\.safetensors)/);
    await server[Symbol.asyncDispose]();
    if (Deno.build.os !== "windows") assertEquals((await Deno.stat(names)).mode! & 0o777, 0o600);
    const flags = ["--against", "mitig3", "--run", run, "--json"];
    const [align, blind] = await Promise.all([
      attack(...flags, "--attack", "align", "--names", names),
      attack(...flags, "--attack", "decoder"),
    ]);
    assertEquals(align.code, 0, align.stderr);
    const { namedBy, samples, mse, floor } = JSON.parse(align.stdout);
    assertEquals([namedBy, samples], ["none: of the last visit each its own", 9000]);
    assert(mse > 0 && floor > 0, align.stdout);
    assertEquals(blind.code, 1);
    assertStringIncludes(blind.stderr, "with --names it is tried as an upper bound");
  }));
