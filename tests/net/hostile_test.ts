/** An honest training beside peers that mean ill: a stranger with 2,000 idle connections where the server may
 * have 256 files open, and one with the token who sends all that is known to have stopped a server. The training
 * ends in the same weights, for at most twice the server's processor time, the server takes little more memory
 * than alone, and when they have left it is idle. Wall time, which others on the machine stretch, is held to a loose
 * limit only.
 *
 * Processor time and memory are read from /proc, so it runs on Linux. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { type Dataset, dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { loadCredentials } from "lib/net/identity.ts";
import { train as train1 } from "lib/protocol/mitig1/client.ts";
import { train as train2 } from "lib/protocol/mitig2/client.ts";
import type { Connection } from "lib/net/connection.ts";
import { connect } from "lib/net/websocket.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";
import { scales } from "../protocol/mitig1/fixtures.ts";

const FILES = 256;
const MORE_MB = 512;
/** Of the server's processor time, and of the client's wait. */
const [COSTLIER, SLOWER] = [2, 5];
const ignore = !permitted || Deno.build.os !== "linux";
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A process and what it has printed. */
class Process {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  output = "";

  constructor(command: string, args: string[], input?: string) {
    const options = { args, stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    this.#child = new Deno.Command(command, options).spawn();
    const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.output += text;
    };
    const write = async () => {
      const writer = this.#child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input ?? ""));
      await writer.close();
    };
    this.#read = Promise.all([read(this.#child.stdout), read(this.#child.stderr), write()]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (let k = 0; k < 2400; k++) {
      const match = pattern.exec(this.output);
      if (match) return match;
      await sleep(50);
    }
    throw new Error(`no ${pattern} in ${this.output}`);
  }

  async ended(): Promise<number> {
    await this.#read;
    return (await this.#child.status).code;
  }

  async kill(signal: Deno.Signal): Promise<number> {
    try {
      this.#child.kill(signal);
    } catch { // it has ended
    }
    return await this.ended();
  }

  async #proc(file: string): Promise<string> {
    return await Deno.readTextFile(`/proc/${this.pid}/${file}`);
  }

  /** The most memory that it has had. */
  async peakMb(): Promise<number> {
    return Number(/VmHWM:\s*(\d+)/.exec(await this.#proc("status"))![1]) / 1024;
  }

  /** Seconds of processor time, all threads together. */
  async busy(): Promise<number> {
    const [user, system] = (await this.#proc("stat")).split(") ")[1].split(" ").slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  }
}

/** One run of the honest client: its weights and its seconds. */
type Run = (connection: Connection) => Promise<Float32Array | Int32Array>;

function noise(count: number, side: number): Dataset {
  const rng = seededRng(5);
  const y = Uint8Array.from(rng.bytes(count), (byte) => byte % 3);
  const x = rng.bytes(count * side * side);
  return dataset({ name: "noise", x, y, shape: [side, side, 1], classes: ["a", "b", "c"] });
}

/** Runs the honest training alone and in bad company, and looks at the server in between and after. */
async function inBadCompany(folder: string, protocol: "mitig1" | "mitig2", run: Run) {
  const at = (name: string) => new URL(name, import.meta.url).pathname;
  const place = `--port 0 --identity ${folder}/tls --insecure-seed 3`;
  const keep = protocol === "mitig2" ? `--directory ${folder}/server` : "--workers 2";
  const script = `${at("../../lib/tools/")}party_server.ts ${protocol}:server ${place} ${keep}`;
  const deno = `"${Deno.execPath()}" run --quiet -A ${script}`;
  const server = new Process("sh", ["-c", `ulimit -n ${FILES}; exec ${deno}`]);
  const peers: Process[] = [];
  try {
    const [, port] = await server.said(/listening at wss:\/\/127\.0\.0\.1:(\d+)/);
    const url = `wss://127.0.0.1:${port}`;
    const { token, cert } = await loadCredentials(`${folder}/tls`);
    const training = async () => {
      const connection = await connect(url, { token, caCert: cert });
      const [start, before] = [performance.now(), await server.busy()];
      const weights = await run(connection);
      connection.close();
      const cost = await server.busy() - before;
      return { weights, cost, seconds: (performance.now() - start) / 1000 };
    };
    const peer = (...args: string[]) => {
      const all = ["run", "--quiet", "-A", at("hostile_peer.ts"), ...args];
      const started = new Process(Deno.execPath(), all, JSON.stringify({ url, token, cert }));
      peers.push(started);
      return started;
    };

    const alone = await training();
    const ownMb = await server.peakMb();

    const disturbed = training();
    disturbed.catch(() => {}); // counts when its turn comes
    const stranger = peer("stranger");
    const hostile = peer(protocol);
    await stranger.said(/2000 connections/);
    assertEquals(await hostile.ended(), 0, hostile.output);
    await assertGetsIn(() => connect(url, { token, caCert: cert })); // while all the others still wait
    const { weights, seconds, cost } = await disturbed;
    await stranger.kill("SIGKILL");
    assertEquals(weights, alone.weights);
    const moreMb = await server.peakMb() - ownMb;
    console.log(
      `${protocol}: ${alone.seconds.toFixed(1)} s alone, ${
        seconds.toFixed(1)
      } s in bad company; the server works ` +
        `${alone.cost.toFixed(1)} s, then ${cost.toFixed(1)} s; ${ownMb.toFixed(0)} MB alone, ${
          moreMb.toFixed(0)
        } MB more`,
    );
    let busy = Infinity;
    for (let second = 0; second < 20 && busy >= 0.2; second++) {
      const before = await server.busy();
      await sleep(1000);
      busy = await server.busy() - before;
    }
    assertLess(busy, 0.2, "the server works on for peers that have left");
    assertLess(moreMb, MORE_MB);
    assertLess(cost, COSTLIER * alone.cost, "seconds of the server's processor time");
    assertLess(seconds, SLOWER * alone.seconds);
    return { server, hostile, peer };
  } catch (error) {
    await server.kill("SIGKILL");
    console.log(server.output.slice(-3000), peers.map(({ output }) => output).join("\n"));
    throw error;
  } finally {
    await Promise.all(peers.map((peer) => peer.kill("SIGKILL")));
  }
}

/** A newcomer with the token gets in, at the third knock at the latest: before TLS stands nothing tells him from the
 * strangers, and he may be dropped to make room. */
async function assertGetsIn(knock: () => Promise<Connection>): Promise<void> {
  const refused: unknown[] = [];
  while (refused.length < 3) {
    try {
      return (await knock()).close();
    } catch (error) {
      refused.push(error);
    }
  }
  throw new AggregateError(refused, "a newcomer does not get in");
}

/** The server ends soon although a peer never answers, and its log is fit to read. */
async function assertEnds(server: Process, stubborn: Process): Promise<void> {
  await stubborn.said(/staying/);
  const start = performance.now();
  assertEquals(await server.kill("SIGTERM"), 0);
  assertLess(performance.now() - start, 20_000); // it waits for two seconds, or four
  await stubborn.kill("SIGKILL");
  const { output } = server;
  assertMatch(output, /stopped\n$/);
  assertEquals(/[^\P{Cc}\n]/u.test(output), false, "control codes in the log");
  for (const line of output.trimEnd().split("\n")) {
    assertMatch(line, /^\d{4}-\d\d-\d\dT[\d:.]+Z /);
    assertLess(line.length, 400);
  }
  assertLess(output.split("\n").filter((line) => line.includes(" refused: ")).length, 40);
  assertMatch(output, /\d+ more were refused/);
}

Deno.test({
  name: "mitig2:server serves on while others flood, hoard and break rules",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const data = { train: noise(2000, 7), test: noise(50, 7) };
      const setting = { ...MODERN, epochs: 220, batch: 50 };
      const { server, hostile, peer } = await inBadCompany(folder, "mitig2", async (connection) => {
        const rng = seededRng(2);
        return (await train2(connection, data, { hidden: 64, setting, rng })).W1;
      });
      assertMatch(hostile.output, /classify 2\^20 images: .*at most 4096/);
      assertMatch(hostile.output, /z1 after z1: .*images in a batch of/);
      const kept = await Array.fromAsync(Deno.readDir(`${folder}/server`));
      assert(kept.length <= 3, `${kept.length} directories of sessions`); // the honest ones
      await assertEnds(server, peer("stubborn"));
    }),
});

Deno.test({
  name: "mitig1:server serves on while others flood, hoard and break rules",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      const data = noise(30, 3);
      const { server, hostile, peer } = await inBadCompany(folder, "mitig1", async (connection) => {
        const rng = seededRng(2);
        const options = { hidden: 8, batch: 10, epochs: 7, learningRate: 1, scales, rng };
        return (await train1(connection, data, options)).W1;
      });
      assertMatch(hostile.output, /8 trainings at once: 3 taken/);
      await assertEnds(server, peer("stubborn"));
    }),
});
