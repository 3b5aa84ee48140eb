/** Parties that stall, disks that are full, sessions that are in use: over TLS, with real processes. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { loadMnist } from "lib/data/mnist.ts";
import { seededRng } from "lib/math/rng.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { Checkpoints } from "lib/net/checkpoints.ts";
import { loadCredentials, loadOrCreateIdentity } from "lib/net/identity.ts";
import { type EpochReport, train } from "lib/protocol/mitig2/client.ts";
import { serve, type ServerOptions } from "lib/protocol/mitig2/server.ts";
import { type Labels, sessionOf, type Terms, termsFields } from "lib/protocol/mitig2/terms.ts";
import { Requests } from "lib/net/requests.ts";
import { ConnectionError } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import { listen } from "lib/net/server.ts";
import { permitted, withFolder } from "../../tools/fixtures.ts";
import { Party, ServerParty } from "../../tools/party_processes.ts";
import { data as bars } from "./fixtures.ts";

const SMALL = ["--dataset", "mnist", "--hidden", "16", "--batch", "512", "--workers", "0"];
const setting = { ...MODERN, epochs: 6, batch: 512 };

const test = (name: string, run: (folder: string) => Promise<void>, can = permitted) =>
  Deno.test({ name, ignore: !can, fn: () => withFolder(run) });

/** A server in this process, over TLS; its identity and sessions lie in the folder. */
async function startServing(folder: string, options: ServerOptions = {}) {
  const ends: string[] = [];
  const news = new EventTarget();
  const identity = await loadOrCreateIdentity(`${folder}/tls`);
  const listener = listen({
    ...identity,
    async onConnection(connection) {
      const checkpoints = (session: string) => new Checkpoints(`${folder}/server/${session}`);
      ends.push(await serve(connection, { rng: seededRng(3), checkpoints, ...options }));
      news.dispatchEvent(new Event("end"));
    },
  });
  return {
    url: listener.url,
    connect: () => connect(listener.url, { token: identity.token, caCert: identity.cert }),
    /** Why the next connection ends. */
    async end(): Promise<string> {
      if (ends.length === 0) {
        await new Promise((resolve) => news.addEventListener("end", resolve, { once: true }));
      }
      return ends.shift()!;
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

const clientProcess = (folder: string, url: string, ...flags: string[]) => {
  const place = ["--directory", `${folder}/client`, "--identity", `${folder}/tls`, "--url", url];
  return new Party("mitig2:client", [...place, ...SMALL, ...flags]);
};

test("serve() lets one connection train a session, and the next as soon as that is gone", async (folder) => {
  await using server = await startServing(folder);
  const sessionKey = new TextEncoder().encode("../../../etc/pwd"); // 16 bytes that would like to be a path
  const session = sessionOf(sessionKey);
  const labels: Labels = "server";
  const terms: Terms = { sessionKey, hidden: 5, classes: 3, count: 50, labels, setting };
  const begin = async () => {
    const connection = await server.connect();
    const requests = new Requests(connection);
    return {
      connection,
      answer: requests.ask("train", { ...termsFields(terms), saved: [] }, "ready"),
    };
  };
  const first = await begin();
  assertEquals((await first.answer).integer("epoch"), 0);
  const second = await begin();
  const reason = `session ${session.toHex()} is in use by another connection`;
  await assertRejects(() => second.answer, ConnectionError, reason);
  assertEquals(await server.end(), `Cannot train: ${reason}`);
  first.connection.close();
  await server.end();
  const third = await begin();
  await third.answer;
  const kept = () => Array.fromAsync(Deno.readDir(`${folder}/server`), ({ name }) => name);
  assertEquals(await kept(), [session.toHex()]);
  third.connection.close();
  await server.end();
  assertEquals(await kept(), []); // nothing was saved
});

test("train() refuses a directory in which another training is under way", async (folder) => {
  await using server = await startServing(folder);
  const checkpoints = new Checkpoints(`${folder}/client`);
  using _lock = (await checkpoints.lock())!;
  const connection = await server.connect();
  const start = () => train(connection, bars, { hidden: 5, setting, checkpoints });
  await assertRejects(
    start,
    Error,
    `Cannot train in ${folder}/client: it is in use by process ${Deno.pid}`,
  );
  assertMatch(await server.end(), /is in use by process \d+/);
});

const unix = permitted && Deno.build.os !== "windows";

test("train() gives up on a server that is stopped, and goes on with it later", async (folder) => {
  await using server = await ServerParty.start("mitig2:server", folder, [
    "--directory",
    `${folder}/server`,
  ]);
  const { token, cert: caCert } = await loadCredentials(server.identity);
  const data = await loadMnist();
  const checkpoints = new Checkpoints(`${folder}/client`);
  const again = async (timeoutMs: number, onEpoch: (report: EpochReport) => void) => {
    const connection = await connect(server.url, { token, caCert });
    const options = { hidden: 16, setting, checkpoints, timeoutMs, onEpoch };
    return await train(connection, data, options).finally(() => connection.close());
  };
  const stopAfterOne = () => again(3000, () => server.process.kill("SIGSTOP"));
  const error = await assertRejects(stopAfterOne, ConnectionError, "no message for 3 s");
  assertEquals(error.ending, "stalled");
  assertEquals(await checkpoints.epochs(), [1]);
  server.process.kill("SIGCONT");
  await server.process.said(/ended: .*no message for 3 s/);
  const epochs: number[] = [];
  await again(30_000, ({ epoch }) => epochs.push(epoch));
  assertEquals(epochs, [2, 3, 4, 5, 6]);
}, unix);

test(
  "serve() gives up on a client that is stopped; it says why when it wakes, and a second one beside it is refused",
  async (folder) => {
    await using server = await startServing(folder, { timeoutMs: 3000 });
    const client = clientProcess(folder, server.url, "--epochs", "100");
    await client.said(/epoch 1\/100/);
    const second = clientProcess(folder, server.url, "--epochs", "100");
    assertEquals(await second.ended(), 1);
    assertMatch(second.stderr, /Cannot train in .*\/client: it is in use by process \d+\n$/);
    assert(!second.stderr.includes("--fresh"));
    assertMatch(await server.end(), /it is in use by process \d+/);
    client.kill("SIGSTOP");
    assertMatch(await server.end(), /no message for 3 s/);
    client.kill("SIGCONT");
    assertEquals(await client.ended(), 1);
    assertMatch(client.stderr, /no message for 3 s.*; start again to resume after epoch \d+\n$/);
  },
  unix,
);

/** Mounts a file system of 1 MB; null where this user may not. */
async function smallDisk(directory: string): Promise<AsyncDisposable | null> {
  await Deno.mkdir(directory);
  const mount = (command: string, ...args: string[]) =>
    new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output();
  const { success } = await mount("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory)
    .catch(() => ({ success: false }));
  return success
    ? { [Symbol.asyncDispose]: async () => void await mount("umount", directory) }
    : null;
}

let mounts = false;
if (unix) {
  await withFolder(async (folder) => {
    await using disk = await smallDisk(`${folder}/disk`);
    mounts = disk !== null;
  });
}

for (const side of ["client", "server"] as const) {
  test(
    `train() survives a full disk at the ${side}: both are told, nothing is lost, it resumes`,
    async (folder) => {
      await using _disk = await smallDisk(`${folder}/${side}`);
      const filler = `${folder}/${side}/filler`;
      await using server = await startServing(folder);
      const data = await loadMnist();
      const checkpoints = new Checkpoints(`${folder}/client`);
      const attempt = async (onEpoch: (epoch: number) => void) => {
        const connection = await server.connect();
        const rng = seededRng(2);
        const options = {
          hidden: 16,
          setting,
          checkpoints,
          rng,
          onEpoch: ({ epoch }: EpochReport) => onEpoch(epoch),
        };
        return await train(connection, data, options).finally(() => connection.close());
      };
      const fill = () => {
        using file = Deno.openSync(filler, { write: true, create: true });
        try {
          while (true) file.writeSync(new Uint8Array(4096));
        } catch (error) {
          assert(String(error).includes("No space left"), `${error}`);
        }
      };
      await assertRejects(
        () =>
          attempt((epoch) => {
            if (epoch === 2) fill();
          }),
        Error,
        `Cannot save epoch-3.safetensors: No space left on device`,
      );
      assertMatch(await server.end(), /No space left on device/);
      assertEquals((await checkpoints.epochs()).at(-1), 2);
      await Deno.remove(filler);
      const epochs: number[] = [];
      const resumed = await attempt((epoch) => void epochs.push(epoch));
      assertEquals(epochs, [3, 4, 5, 6]);
      await server.end();
      const unbroken = await attempt(() => {});
      assertEquals(resumed.W1, unbroken.W1);
    },
    mounts,
  );
}
