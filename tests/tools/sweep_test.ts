import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseCsv } from "lib/sweep/archive.ts";
import { pointsOf } from "lib/sweep/grid.ts";
import { SweepStore } from "lib/sweep/store.ts";
import { sweep } from "../sweep/probe.ts";
import { hasRedis, startRedis } from "../sweep/redis_server.ts";
import { ended, permitted, withFolder } from "./fixtures.ts";

const script = (task: string) => new URL(`../../lib/tools/${task}.ts`, import.meta.url).href;
const probe = new URL("../sweep/probe.ts", import.meta.url).pathname;

function spawn(task: string, args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script(task), ...args],
    env: { REDIS_URL: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Resolves once the store has some rows. */
async function someRows(path: string): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      using store = new SweepStore(path, { readOnly: true });
      if (store.statuses(sweep).size > 5) return;
    } catch { /* not there yet */ }
  }
  throw new Error("no rows in a minute");
}

const run = (...args: string[]) => ended(spawn("sweep", args));
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

test("deno task sweep computes, exports, refuses to start over, resumes and retries", () =>
  withFolder(async (folder) => {
    const [store, csv] = [`${folder}/s.sqlite`, `${folder}/rows.csv`];
    const flags = [probe, "--store", store, "--workers", "1"];
    const three = "index=3,index=4,index=5";
    const first = await run(...flags, "--only", three, "--csv", csv, "--json");
    assertEquals(first.code, 0, first.stderr);
    const rows = JSON.parse(first.stdout);
    assertEquals(rows.map((row: { index: number }) => row.index), [3, 4, 5]);
    assertEquals(rows[0].text, '"3",\n');
    const stored = parseCsv(sweep, await Deno.readTextFile(csv));
    assertEquals(
      stored.map(({ point }) => point),
      [3, 4, 5].map((index) => ({
        ...{ index, busyMs: 0, mode: "fine" },
      })),
    );

    const again = await run(...flags);
    assertEquals([again.code, again.stdout], [2, ""]);
    assertStringIncludes(again.stderr, "has 3 of 300 rows: give --resume to go on");
    const resumed = await run(...flags, "--resume");
    assertEquals([resumed.code, resumed.stdout], [
      0,
      `probe: 300 of 300 rows in ${store}, 0 failed\n`,
    ]);
    assertStringIncludes(resumed.stderr, "probe 297/297");
    const nothing = await run(...flags, "--resume", "--json", "--only", three);
    assertEquals([nothing.code, JSON.parse(nothing.stdout), nothing.stderr], [0, rows, ""]);
  }));

test("deno task sweep reports failed rows, status 1, and computes them again with --retry", () =>
  withFolder(async (folder) => {
    const module = `${folder}/own.ts`;
    const source = (body: string) =>
      `export const sweep = {
      url: import.meta.url, name: "own", version: 1, columns: ["y"],
      fields: { x: { type: "integer", min: 1, max: 9 } }, grids: [{ x: [1, 2] }],
      run: ({ x }) => { ${body} return { y: 2 * x }; },
    };`;
    await Deno.writeTextFile(module, source('if (x === 2) throw new Error("no network");'));
    const flags = [module, "--store", `${folder}/s.sqlite`];
    const failed = await run(...flags);
    assertEquals(failed.code, 1, failed.stderr);
    assertStringIncludes(failed.stdout, '1 failed\n  {"x":2}: Error: no network');
    await Deno.writeTextFile(module, source(""));
    assertEquals((await run(...flags, "--resume")).code, 1);
    const retried = await run(...flags, "--retry", "--json");
    assertEquals(retried.code, 0, retried.stderr);
    assertEquals(JSON.parse(retried.stdout).map(({ y }: { y: number }) => y), [2, 4]);
  }));

test("deno task sweep stops at SIGINT with what it has, and --resume goes on", () =>
  withFolder(async (folder) => {
    const store = `${folder}/s.sqlite`;
    const flags = [probe, "--store", store, "--workers", "1", "--only", "busyMs=10"];
    const child = spawn("sweep", flags);
    await someRows(store);
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended(child);
    assertEquals(code, 130, stderr);
    const [, rows] = /probe: (\d+) of 300 rows/.exec(stdout) ?? [];
    assert(Number(rows) < 300, stdout);
    assertStringIncludes(stderr, "sweep: stopped; --resume goes on");
    const resumed = await run(...flags, "--resume");
    assertStringIncludes(resumed.stderr, `probe ${300 - Number(rows)}/${300 - Number(rows)}`);
    assertEquals(resumed.code, 0);
  }));

test("deno task sweep and worker refuse bad usage in one line, status 2, nothing on stdout", () =>
  withFolder(async (folder) => {
    const store = ["--store", `${folder}/s.sqlite`];
    const secret = "redis://:secret@127.0.0.1:1";
    const faults: [string, string[], number, string][] = [
      ["sweep", [], 2, "expected one NAME"],
      ["sweep", ["attack", "cost"], 2, "expected one NAME"],
      [
        "sweep",
        ["frobnicate"],
        2,
        'Cannot sweep "frobnicate": expected attack, rates, training, cost, qfe_cost, leakage, frontier, private',
      ],
      ["sweep", ["attack", "--only", "colour=1"], 2, 'no field "colour", expected dataset'],
      ["sweep", ["attack", "--only", "hidden=0"], 2, "hidden = 0 is not an integer in [1, 1024]"],
      ["sweep", [probe, ...store, "--redis", "localhost"], 1, "expected redis://"],
      ["sweep", [probe, ...store, "--redis", secret], 1, "Redis at 127.0.0.1:1: connect ECONNREF"],
      ["sweep", [probe, "--redis", secret, "--workers", "2"], 2, "give it to deno task worker"],
      ["sweep", [probe, "--store", folder], 1, "Cannot open"],
      ["worker", [], 2, "--redis or REDIS_URL is needed"],
      ["worker", ["--redis", secret], 1, "Redis at 127.0.0.1:1: connect ECONNREFUSED"],
      [
        "worker",
        ["--redis", secret, "no-such.ts"],
        2,
        `Cannot load sweep ${Deno.cwd()}/no-such.ts`,
      ],
      ["sweep", [probe, ...store, "--csv", `${folder}/none/rows.csv`], 2, "no such folder"],
      ["sweep", ["redis://:secret@host:1"], 2, 'Cannot sweep "redis://***@host:1"'],
      ["sweep", ["redis://:se@cret/x@host:1"], 2, 'Cannot sweep "redis://***@host:1"'],
      ["advise", ["redis://:secret@host:1"], 2, 'unexpected argument "redis://***@host:1"'],
    ];
    for (const [task, args, status, message] of faults) {
      const { code, stdout, stderr } = await ended(spawn(task, args));
      assertEquals([code, stdout], [status, ""], stderr);
      assertStringIncludes(stderr, message);
      assert(!stderr.includes("secret"), stderr);
      const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("probe 0/"));
      assertEquals(lines.length, 1, stderr);
    }
  }));

Deno.test({
  name: "deno task sweep --redis has deno task worker compute, and neither names the password",
  ignore: !hasRedis,
  fn: () =>
    withFolder(async (folder) => {
      await using redis = await startRedis();
      const worker = spawn("worker", [probe, "--workers", "2"], { REDIS_URL: redis.url });
      const store = `${folder}/s.sqlite`;
      const only = ["--only", [...Array(20).keys()].map((k) => `index=${k}`).join()];
      const flags = [probe, "--store", store, ...only, "--json", "--redis", redis.url];
      const { code, stdout, stderr } = await ended(spawn("sweep", flags));
      assertEquals(code, 0, stderr);
      worker.kill("SIGTERM");
      const work = await ended(worker);
      assertEquals(work.code, 0, work.stderr);
      const values = (rows: { value: number }[]) => rows.map(({ value }) => value);
      const local = await run(probe, "--store", `${folder}/local.sqlite`, ...only, "--json");
      assertEquals(values(JSON.parse(stdout)), values(JSON.parse(local.stdout)));
      assertEquals(pointsOf(sweep).length, 300);
      assertStringIncludes(work.stderr, `probe from 127.0.0.1:${redis.port}`);
      assertStringIncludes(work.stderr, "20 points");
      for (const text of [stdout, stderr, work.stdout, work.stderr]) {
        assert(!/pass[/%]/.test(text), text);
      }
    }),
});
