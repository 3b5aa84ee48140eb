import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type Candidate,
  CANDIDATES,
  costPoint,
  leakagePoint,
  RUNGS,
  trainingPoint,
} from "lib/sweep/advise.ts";
import { sweep as costs } from "lib/sweep/advise_cost.ts";
import { sweep as leakages } from "lib/sweep/advise_leakage.ts";
import type { Point, Row, Sweep } from "lib/sweep/grid.ts";
import { type Outcome, SweepStore } from "lib/sweep/store.ts";
import { sweep as trainings } from "lib/sweep/training.ts";
import { ended, permitted, withFolder } from "./fixtures.ts";

const script = new URL("../../lib/tools/advise.ts", import.meta.url).href;

function spawn(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });
const times = { attempts: 1, startedAt: "2026-01-01T00:00:00.000Z", pointMs: 1 };

/** What the best attack makes of each scheme. */
const LEAKAGE = { cryptonn: 1, mitig1: 0.9, mitig2: 0.97, mitig3: 0.02 };

/** Learning curves by hand: wider, slower rates and the split schemes are better; one rate diverges. */
function trained({ scheme, hidden, learningRate }: Candidate, rung: number): Outcome {
  if (learningRate === 4) return { status: "failed", error: "W1 outgrows its bound", ...times };
  const base = { cryptonn: 0.95, mitig1: 0.95, mitig2: 0.97, mitig3: 0.96 }[scheme];
  const accuracy = base + hidden / 30_000 - learningRate / 100 - 0.2 / 4 ** rung;
  return { status: "done", row: { accuracy, seconds: hidden / 10 * 4 ** rung }, ...times };
}

/** A store that has every row that a search may ask for. */
function fill(path: string): void {
  using store = new SweepStore(path);
  const done = (sweep: Sweep, point: Point, row: Row) =>
    store.add(sweep, point, { status: "done", row, ...times });
  for (const candidate of CANDIDATES) {
    RUNGS.forEach((_, rung) => {
      store.add(trainings, trainingPoint("mnist", candidate, rung), trained(candidate, rung));
      const cost = costPoint("mnist", candidate, rung);
      if (cost !== null) {
        const seconds = candidate.hidden * (candidate.scheme === "mitig1" ? 1000 : 100);
        done(costs, cost, { seconds });
      }
    });
    const numbers = { mse: 0.01, floor: 0.05, attack: "ridge", known: 1000, part: 0.5 };
    const row = { ...numbers, leakage: LEAKAGE[candidate.scheme] };
    done(leakages, leakagePoint("mnist", candidate), row);
  }
}

test("deno task advise answers from the rows of its store, in words and as JSON", () =>
  withFolder(async (folder) => {
    const store = ["--store", `${folder}/s.sqlite`];
    fill(store[1]);
    const good = await ended(spawn("--accuracy", "0.9", "--seconds", "300", ...store));
    assertEquals(good.code, 0, good.stderr);
    assertStringIncludes(good.stdout, "Recommended: mitig2 with 100 hidden units");
    assertStringIncludes(good.stdout, "cryptonn: no run keeps the limit on seconds");
    assertStringIncludes(good.stdout, "W1 outgrows its bound");
    const flags = ["--accuracy", "0.99", "--seconds", "4000", "--leakage", "0.5", "--json"];
    const none = await ended(spawn(...flags, ...store));
    assertEquals(none.code, 0, none.stderr);
    assertStringIncludes(none.stderr, "--dataset mnist-full has them all");
    assert(!good.stderr.includes("mnist-full"), "within reach");
    const report = JSON.parse(none.stdout);
    assertEquals(report.recommendation.keepsLimits, false);
    assertStringIncludes(report.recommendation.reason, "no scheme reaches accuracy at least 99.0");
    assertEquals(report.recommendation.scheme, "mitig3"); // the closest: MITIG2 is far over the leakage
    assertEquals(report.recommendation.hidden, 300);
    assert(report.epochs.search <= report.epochs.grid / 3, none.stdout);
    assert(report.failed.length > 0 && report.failed.every((run: Row) => run.learningRate === 4));
    assertEquals(report.notReached.length, 4);
    for (const { leakage, leakageNote, scheme } of report.pareto) {
      assertEquals(leakage, LEAKAGE[scheme as keyof typeof LEAKAGE]);
      assertStringIncludes(leakageNote, scheme === "cryptonn" ? "dW1" : "a decoder");
    }
    // A limit on leakage rules out MITIG2, which is the more accurate.
    const strict = ["--accuracy", "0.8", "--seconds", "1e6", "--leakage", "0.5", "--json"];
    const { recommendation } = JSON.parse((await ended(spawn(...strict, ...store))).stdout);
    assertEquals([recommendation.scheme, recommendation.keepsLimits], ["mitig3", true]);
    const { recommendation: free } = JSON.parse(
      (await ended(spawn("--accuracy", "0.8", "--seconds", "1e6", "--json", ...store))).stdout,
    );
    assertEquals([free.scheme, free.keepsLimits], ["mitig2", true]);
  }));

test("deno task advise stops at SIGINT with status 130 and says how to go on", () =>
  withFolder(async (folder) => {
    const child = spawn("--accuracy", "0.9", "--seconds", "9", "--store", `${folder}/s.sqlite`);
    const stderr = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await stderr.read()).value ?? ""; // the progress: under way
    child.kill("SIGINT");
    for (let part = await stderr.read(); !part.done; part = await stderr.read()) text += part.value;
    const { code } = await child.status;
    await child.stdout.cancel();
    assertEquals(code, 130, text);
    assertStringIncludes(text, "advise: stopped; the same command goes on");
  }));

test("deno task advise refuses bad limits in one line, status 2, nothing on stdout", async () => {
  const faults: [string[], string][] = [
    [[], "--accuracy is needed"],
    [["--accuracy", "0.9"], "--seconds is needed"],
    [["--accuracy", "1", "--seconds", "9"], '--accuracy must be between 0 and 1: got "1"'],
    [["--accuracy", "96.8", "--seconds", "9"], '--accuracy must be between 0 and 1: got "96.8"'],
    [["--accuracy", "0", "--seconds", "9"], '--accuracy must be between 0 and 1: got "0"'],
    [["--accuracy", "0.9", "--seconds", "0"], '--seconds must be over 0: got "0"'],
    [["--accuracy", "0.9", "--seconds", "soon"], '--seconds must be over 0: got "soon"'],
    [["--accuracy", "0.9", "--seconds", "9", "--leakage", "2"], "--leakage must be in [0, 1]"],
    [["--accuracy", "0.9", "--seconds", "9", "--dataset", "iris"], "--dataset must be one of"],
  ];
  for (const [args, message] of faults) {
    const { code, stdout, stderr } = await ended(spawn(...args));
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});
