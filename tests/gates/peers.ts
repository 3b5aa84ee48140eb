/** `deno task bench --peers`: ours against published packages, row by row (`tests/bench/peers/driver.ts`).
 *
 * What `--readme` runs is kept in `tests/bench/peers/results.json`, a row beside those of earlier runs, and the table of
 * `tests/bench/README.md` is written from there.
 * @module */
import { cpus } from "node:os";
import { basename, join } from "node:path";
import { writeAtomic } from "lib/data/write_atomic.ts";
import { machine } from "lib/notebook/notebook.ts";
import { UsageError } from "lib/tools/args.ts";
import { markersOf, withGenerated } from "lib/tools/generated.ts";
import { ROOT } from "lib/tools/workspace.ts";
import type { Contestant } from "../bench/peers/contestant.ts";
import { type Measured, measureRow, prepareRow, rowNames } from "../bench/peers/driver.ts";

const FOLDER = join(ROOT, "tests", "bench", "peers");
/** Between the markers of `tests/bench/README.md`. */
export const PEERS_MARKERS = markersOf("peers", "deno task bench --peers --readme");

/** A row as it is kept: where it was run, and how often. */
export interface PeerRow extends Measured {
  readonly machine: string;
  readonly rounds: number;
}

/** This machine in a line. */
export function machineLine(): string {
  const { cores, os, arch, products } = machine();
  const model = cpus()[0]?.model.trim();
  return `${
    model ? `${model}, ` : ""
  }${cores} cores, ${os} ${arch}, Deno ${Deno.version.deno}, ${products}`;
}

/** A time with three digits in the unit that fits. */
export function timeText(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 1 ? `${ms.toPrecision(3)} ms` : `${(ms * 1000).toPrecision(3)} µs`;
}

const cell = (text: string) => text.replaceAll("|", "\\|");

/** Rows as Markdown: a line for each peer and each variant of ours. Ratios are our median to the peer's. */
export function peersTable(rows: readonly PeerRow[]): string {
  const head = [
    ["what", "peer", "its time", "ours with BLAS", "ratio", "ours without", "ratio", "memory"],
    ["---", "---", ...Array(6).fill("--:")],
  ];
  const none: (Contestant | undefined)[] = [undefined];
  const lines = rows.flatMap(({ what, contestants }) => {
    const peers = contestants.filter(({ role }) => role === "peer");
    const ours = contestants.filter(({ role }) => role !== "peer");
    const variants = [...new Set(ours.map(({ name }) => name))];
    return variants.flatMap((variant) =>
      (peers.length > 0 ? peers : none).map((peer) => {
        const named = variant.endsWith(".ts") ? what : `${what}, ${variant}`;
        const own = (role: string) => ours.find((o) => o.role === role && o.name === variant);
        const [withBlas, without] = [own("ours"), own("ours without BLAS")];
        const timed = [withBlas, without].flatMap((one) => [
          one === undefined ? "–" : timeText(one.medianMs),
          one === undefined || peer === undefined
            ? "–"
            : `${(one.medianMs / peer.medianMs).toPrecision(2)}×`,
        ]);
        const peakMB = Math.max(...[withBlas, without].map((one) => one?.peakMB ?? 0));
        const memory = peakMB > 0 ? `${peakMB} MB` : "–";
        const [label, time] = peer === undefined
          ? ["–", "–"]
          : [peer.label, timeText(peer.medianMs)];
        return [cell(named), cell(label), time, ...timed, memory];
      })
    );
  });
  return [...head, ...lines].map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** The table with what a reader has to know of it: machines, rounds, what ours used, who was missing. */
export function peersText(rows: readonly PeerRow[]): string {
  const places = Map.groupBy(rows, (row) => `${row.machine}; medians of ${row.rounds} rounds`);
  const where = [...places].map(([place, its]) =>
    places.size === 1 ? `${place}.` : `${place}: ${its.map(({ what }) => what).join("; ")}.`
  );
  const labels = (role: Contestant["role"]) =>
    [
      ...new Set(
        rows.flatMap(({ contestants }) => contestants)
          .filter((one) => one.role === role).map(({ label }) => label),
      ),
    ].sort().join("; ");
  const used = [["With BLAS", labels("ours")], ["Without", labels("ours without BLAS")]]
    .flatMap(([name, all]) => all === "" ? [] : [`${name}: ${all}.`]);
  const skipped = rows.flatMap((row) => row.skipped).map((line) => `Not run: ${line}.`);
  return [...where, "", peersTable(rows), "", ...used, ...skipped].join("\n");
}

/** Runs the rows, prints progress and the table.
 * @returns the exit status: 1 if a contestant failed or disagreed.   @throws {UsageError} no row of that name. */
export async function benchPeers(options: {
  readonly only?: string;
  readonly rounds: number;
  readonly json: boolean;
  readonly readme: boolean;
  readonly signal: AbortSignal;
}): Promise<number> {
  const { only, rounds, json, readme, signal } = options;
  const names = rowNames(FOLDER).filter((name) => only === undefined || name === only);
  if (names.length === 0) {
    throw new UsageError(`--only must be one of ${rowNames(FOLDER).join(", ")}: got "${only}"`);
  }
  const say = (line: string) => console.error(line);
  const rows = new Map<string, PeerRow>();
  const peers = new Set<string>();
  let failed = false;
  for (const name of names) {
    if (peers.has(`${name}.ts`)) continue;
    const input = await Deno.makeTempDir({ prefix: "peers-" });
    try {
      const onProgress = (line: string) => say(`${name}  ${line}`);
      const builds = join(ROOT, "data", "peers");
      const run = { folder: FOLDER, builds, rounds, signal, onProgress };
      const row = await prepareRow(name, input, run);
      for (const peer of row.peers) peers.add(peer.split(" ")[0]);
      const measured = await measureRow(name, row, input, run);
      rows.set(name, { ...measured, machine: machineLine(), rounds });
      for (const line of measured.skipped) say(`${name}  skipped: ${line}`);
      for (const line of measured.problems) say(`${name}  FAILED: ${line}`);
      failed ||= measured.problems.length > 0;
    } catch (error) {
      if (signal.aborted) return 130;
      say(`${name}  FAILED: ${(error as Error).message}`);
      failed = true;
    } finally {
      await Deno.remove(input, { recursive: true });
    }
  }
  if (json) console.log(JSON.stringify(Object.fromEntries(rows), null, 2));
  else console.log(peersText([...rows.values()]));
  if (readme && failed) say("tests/bench/README.md stays as it is: a row failed");
  else if (readme) await keep(rows);
  return failed ? 1 : 0;
}

/** Puts the rows beside those that are kept, and all into the page. */
async function keep(rows: ReadonlyMap<string, PeerRow>): Promise<void> {
  const path = join(FOLDER, "results.json");
  const kept = await Deno.readTextFile(path).catch(() => "{}");
  const all: Record<string, PeerRow> = { ...JSON.parse(kept), ...Object.fromEntries(rows) };
  const there = rowNames(FOLDER);
  const sorted = Object.entries(all).filter(([name]) => there.includes(name))
    .sort(([a], [b]) => a < b ? -1 : 1);
  await writeAtomic(FOLDER, {
    [basename(path)]: `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`,
  });
  const page = join(ROOT, "tests", "bench", "README.md");
  const content = await Deno.readTextFile(page);
  const text = peersText(sorted.map(([, row]) => row));
  const written = withGenerated("tests/bench/README.md", content, PEERS_MARKERS, text);
  await writeAtomic(join(ROOT, "tests", "bench"), { "README.md": written });
}
