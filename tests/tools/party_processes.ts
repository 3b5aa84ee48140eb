/** Commands of a protocol's parties as processes, for tests: their lines as they come, and their end.
 * @module */

import config from "../../deno.json" with { type: "json" };

/** A running command. */
export class Party {
  readonly #child: Deno.ChildProcess;
  readonly #waiting = new Set<() => void>();
  readonly #read: Promise<void>[];
  stdout = "";
  stderr = "";
  #over = false;

  /** @param task as in deno.json: its script and first arguments are what `deno task` runs. */
  constructor(task: string, args: readonly string[]) {
    const { command } = config.tasks[task as keyof typeof config.tasks];
    const [script, ...first] = command.split("deno run -A ")[1].split(" ");
    const url = new URL(`../../${script}`, import.meta.url).href;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", url, ...first, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const read = async (name: "stdout" | "stderr") => {
      for await (const chunk of this.#child[name].pipeThrough(new TextDecoderStream())) {
        this[name] += chunk;
        this.#waiting.forEach((look) => look());
      }
    };
    this.#read = [read("stdout"), read("stderr")];
    Promise.all(this.#read).then(() => {
      this.#over = true;
      this.#waiting.forEach((look) => look());
    });
  }

  /** Resolves with the match once the output has one. @throws {Error} the process ended without. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match) found.resolve(match);
      else if (this.#over) found.reject(new Error(`no ${pattern} in ${this.stdout}${this.stderr}`));
    };
    this.#waiting.add(look);
    look();
    return found.promise.finally(() => this.#waiting.delete(look));
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The exit status, when all output is read. */
  async ended(): Promise<number> {
    await Promise.all(this.#read);
    return (await this.#child.status).code;
  }
}

/** A listening party on a free port, with its identity in a folder. */
export class ServerParty {
  private constructor(
    readonly process: Party,
    readonly url: string,
    readonly identity: string,
  ) {}

  static async start(
    task: string,
    folder: string,
    flags: readonly string[] = [],
  ): Promise<ServerParty> {
    const identity = `${folder}/tls`;
    const process = new Party(task, ["--port", "0", "--identity", identity, ...flags]);
    const [, port] = await process.said(/listening at wss:\/\/127\.0\.0\.1:(\d+)/);
    return new ServerParty(process, `wss://localhost:${port}`, identity);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.process.kill("SIGTERM");
    } catch { /* it has ended */ }
    await this.process.ended();
  }
}
