/** Rows of "ours against a peer": small programs that do the same work, taking turns on one machine.
 *
 * A row is a program NAME.ts beside this file. `NAME.ts prepare FOLDER` writes the inputs and prints one line of JSON,
 * a {@link Row}; `NAME.ts FOLDER [VARIANT]` is ours, run as it is and once more with FE_BLAS=off; the row names its
 * peers. Every contestant prepares and checks itself and prints `ready LABEL`; then, for each line on stdin, it does the
 * work once and prints `done MILLISECONDS RESULT`; it ends with its input. Status 3 and a line on stderr: what it needs
 * is not here, it is skipped. All are started first and then take turns, so that a slow minute of the machine is every
 * contestant's; one that waits for its turn does nothing.
 * @module */
import { basename, join } from "node:path";
import { agree, type Contestant, type Invocation, Missing, Player } from "./contestant.ts";

/** What a row says of itself. */
export interface Row {
  readonly what: string;
  /** Ours in more than one way, "one core" and "two Workers", say; may be empty. */
  readonly variants: readonly string[];
  /** File names, "NAME.py", "NAME_old.ts" or the folder of a crate, "blst/"; words behind are arguments. */
  readonly peers: readonly string[];
  /** Two results agree if they are the same text, or numbers within tolerance·max(1, |a|). */
  readonly tolerance: number;
  /** false where ours uses no BLAS, and so runs once. */
  readonly blas?: false;
}

/** A row that was run. */
export interface Measured extends Pick<Row, "what"> {
  readonly contestants: readonly Contestant[];
  /** Peers that are not here, and why. */
  readonly skipped: readonly string[];
  readonly problems: readonly string[];
}

/** The names of the rows, in order: the programs here that know the word "prepare". */
export function rowNames(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => /^[a-z0-9_]+\.ts$/.test(name) && !/^driver(_test)?\.ts$/.test(name))
    .filter((name) => Deno.readTextFileSync(join(folder, name)).includes('"prepare"'))
    .map((name) => basename(name, ".ts")).sort();
}

const deno = (...args: string[]): string[] => [Deno.execPath(), "run", "-A", ...args];

/** The ways to run a peer; the second if the first is missing something. */
async function peerInvocations(folder: string, input: string, peer: string, builds: string) {
  const [file, ...args] = peer.split(" ");
  const path = join(folder, file);
  const end = [input, ...args];
  if (file.endsWith(".ts")) return [{ command: deno(path, ...end) }];
  if (file.endsWith("/")) return [{ command: [await buildCrate(path, builds), ...end] }];
  const named = Deno.env.get("FE_PYTHON");
  return [...named ? [named] : [], "python3", "python"]
    .map((python): Invocation => ({ command: [python, path, ...end] }));
}

/** Builds the crate. @returns its program, which has the crate's name. */
async function buildCrate(crate: string, builds: string): Promise<string> {
  const target = join(builds, basename(crate));
  const args = ["build", "--release", "--target-dir", target];
  const options = { args, cwd: crate, stdout: "null", stderr: "piped" } as const;
  let built: Deno.CommandOutput;
  try {
    built = await new Deno.Command("cargo", options).output();
  } catch (error) {
    throw error instanceof Deno.errors.NotFound ? new Missing("cargo is not here") : error;
  }
  const said = new TextDecoder().decode(built.stderr);
  if (!built.success) {
    const isOffline = /failed to (download|fetch|get)|network|offline/i.test(said);
    const last = said.trim().split("\n").at(-1)!.trim();
    throw isOffline ? new Missing(`cargo cannot fetch crates: ${last}`) : new Error(said.trim());
  }
  const manifest = await Deno.readTextFile(join(crate, "Cargo.toml"));
  const name = /^name = "(.+)"$/m.exec(manifest)![1];
  return join(target, "release", Deno.build.os === "windows" ? `${name}.exe` : name);
}

/** How rows are run. */
export interface MeasureOptions {
  /** Where the row's programs lie. */
  readonly folder: string;
  /** Where crates are built. */
  readonly builds: string;
  readonly rounds: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/** The row that NAME.ts is, its inputs written into a folder. */
export async function prepareRow(
  name: string,
  input: string,
  options: MeasureOptions,
): Promise<Row> {
  const [program, ...args] = deno(join(options.folder, `${name}.ts`), "prepare", input);
  const { signal } = options;
  const command = new Deno.Command(program, { args, signal, stdin: "null" });
  const [stdout, stderr] = await command.output().then((output) =>
    [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes).trim())
  );
  const last = stdout.split("\n").at(-1)!;
  try {
    const row = JSON.parse(last) as Row;
    if (typeof row.what === "string" && Array.isArray(row.variants) && Array.isArray(row.peers)) {
      return row;
    }
  } catch {
    // It says something else.
  }
  const said = last || stderr.split("\n").at(-1);
  throw new Error(
    `${name}.ts prepare said "${said}", expected { what, variants, peers, tolerance }`,
  );
}

/** Starts who takes part in a row: its peers, then ours. Who is missing or fails is noted and left out. */
async function gather(name: string, row: Row, input: string, options: MeasureOptions) {
  const players: Player[] = [];
  const [skipped, problems]: [string[], string[]] = [[], []];
  const { folder, builds, signal, onProgress } = options;
  const start = async (player: Player) => {
    try {
      await player.ready();
      players.push(player);
      onProgress?.(`${player.role}: ${player.name}: ${player.label}`);
    } catch (error) {
      await player[Symbol.asyncDispose]();
      throw error;
    }
  };
  const note = (who: string, error: unknown) => {
    signal?.throwIfAborted();
    const { message } = error as Error;
    if (error instanceof Missing) skipped.push(`${who}: ${message}`);
    else problems.push(message.startsWith(who) ? message : `${who}: ${message}`);
  };
  for (const peer of row.peers) {
    try {
      const ways = await peerInvocations(folder, input, peer, builds);
      for (const [i, way] of ways.entries()) {
        try {
          await start(new Player("peer", peer, way, signal));
          break;
        } catch (error) {
          if (!(error instanceof Missing) || i === ways.length - 1) throw error;
        }
      }
    } catch (error) {
      note(peer, error);
    }
  }
  for (const variant of row.variants.length > 0 ? row.variants : [undefined]) {
    const command = deno(
      join(folder, `${name}.ts`),
      input,
      ...variant === undefined ? [] : [variant],
    );
    const who = variant ?? `${name}.ts`;
    const ours = [["ours without BLAS", { FE_BLAS: "off" }], ["ours", undefined]] as const;
    for (const [role, env] of row.blas === false ? ours.slice(0, 1) : ours) {
      try {
        await start(new Player(role, who, { command, env }, signal));
      } catch (error) {
        note(who, error);
      }
    }
  }
  return { players, skipped, problems };
}

/** Runs a row: everyone once a round, in turn; then sets each result against the first. */
export async function measureRow(
  name: string,
  row: Row,
  input: string,
  options: MeasureOptions,
): Promise<Measured> {
  const { players, skipped, problems } = await gather(name, row, input, options);
  await using stack = new AsyncDisposableStack();
  for (const player of players) stack.use(player);
  const out = new Set<Player>();
  for (let round = 0; round < options.rounds; round++) {
    for (const player of players) {
      if (out.has(player)) continue;
      try {
        await player.turn(row.tolerance);
      } catch (error) {
        options.signal?.throwIfAborted();
        out.add(player);
        problems.push((error as Error).message);
      }
    }
    options.onProgress?.(`round ${round + 1} of ${options.rounds}`);
  }
  const finished = players.filter((player) => !out.has(player));
  for (const player of finished.slice(1)) {
    const [first] = finished;
    if (agree(first.result!, player.result!, row.tolerance)) continue;
    problems.push(`${player.name} found ${player.result}, ${first.name} ${first.result}`);
  }
  await stack.disposeAsync();
  return { what: row.what, contestants: finished.map((p) => p.contestant), skipped, problems };
}
