/** A program that takes part in a row (`driver.ts`): its process, its answers, its end.
 * @module */
import { highestMemoryMB } from "lib/tools/memory.ts";

/** What is kept of a program's part in a row. */
export interface Contestant {
  readonly role: "peer" | "ours" | "ours without BLAS";
  /** The peer's file, or the variant of ours. */
  readonly name: string;
  /** What it says that it is. */
  readonly label: string;
  readonly timesMs: readonly number[];
  readonly medianMs: number;
  readonly result: string;
  /** The highest memory of its processes, where /proc tells. */
  readonly peakMB?: number;
}

/** What a program needs is not on this machine: it is skipped. */
export class Missing extends Error {}

/** How long a program may take to be ready, and for a turn. */
const LIMIT_MS = 10 * 60_000;

/** Numbers' middle, or the mean of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}

/** Whether two results agree: see {@link Row}. */
export function agree(a: string, b: string, tolerance: number): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  return Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x));
}

/** A command line, and what its environment has besides. */
export interface Invocation {
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
}

/** A started program. Disposal ends it. */
export class Player implements AsyncDisposable {
  readonly timesMs: number[] = [];
  label = "";
  result: string | undefined;
  peakMB: number | undefined;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string>;
  readonly #stderr: Promise<string>;

  constructor(
    readonly role: Contestant["role"],
    readonly name: string,
    { command: [program, ...args], env }: Invocation,
    signal?: AbortSignal,
  ) {
    const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    try {
      this.#child = new Deno.Command(program, { args, env, signal, ...pipes }).spawn();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Missing(`${program} is not here`);
    }
    this.#input = this.#child.stdin.getWriter();
    this.#input.closed.catch(() => {}); // it may end before its input does
    this.#lines = linesOf(this.#child.stdout);
    this.#stderr = new Response(this.#child.stderr).text();
  }

  /** Waits for `ready`. @throws {Missing} it is not here after all. {Error} it died, or says something else. */
  async ready(): Promise<void> {
    const label = /^ready (.+)$/.exec(await this.#say());
    if (label === null) {
      throw new Error(`${this.name} said "${this.#said}", expected "ready LABEL"`);
    }
    this.label = label[1];
  }

  /** One turn. @throws {Error} it died, says something else, or another result than before. */
  async turn(tolerance: number): Promise<void> {
    await this.#input.write(new TextEncoder().encode("go\n")).catch(() => {}); // dead: its output ends
    const done = /^done (\S+) (.+)$/.exec(await this.#say());
    const ms = Number(done?.[1]);
    if (done === null || !(ms >= 0 && ms < Infinity)) {
      throw new Error(`${this.name} said "${this.#said}", expected "done MILLISECONDS RESULT"`);
    }
    this.result ??= done[2];
    if (!agree(this.result, done[2], tolerance)) {
      throw new Error(`${this.name} found ${this.result} first and then ${done[2]}`);
    }
    this.timesMs.push(Math.round(ms * 1000) / 1000);
  }

  #said = "";
  async #say(): Promise<string> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const limit = `${this.name} said nothing for ${LIMIT_MS / 60_000} minutes`;
    const timer = setTimeout(() => reject(new Error(limit)), LIMIT_MS);
    try {
      const { value, done } = await Promise.race([this.#lines.next(), late]);
      if (!done) return this.#said = value;
    } finally {
      clearTimeout(timer);
    }
    const [{ code, signal }, stderr] = await Promise.all([this.#child.status, this.#stderr]);
    const last = stderr.trim().split("\n").at(-1)!.trim();
    if (code === 3) throw new Missing(last);
    throw new Error(`${this.name} ended (${signal ?? `status ${code}`}): ${last}`);
  }

  /** Its place in the results. */
  get contestant(): Contestant {
    const { role, name, label, timesMs, peakMB } = this;
    return { role, name, label, timesMs, medianMs: median(timesMs), result: this.result!, peakMB };
  }

  /** Notes its memory, ends its input, and its life if that does not. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.peakMB = highestMemoryMB(this.#child.pid);
    await this.#input.close().catch(() => {});
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 2000);
    await this.#child.status;
    clearTimeout(timer);
    await this.#lines.return(undefined);
  }
}

/** Text by lines; a last one without end is left out, since its program died within it. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines.map((line) => line.trimEnd());
  }
}
