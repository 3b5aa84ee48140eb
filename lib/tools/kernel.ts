/** The real Deno kernel, headless: starts `deno jupyter --kernel` with this same executable, runs cells
 * in order and collects every output.
 *
 * Deno's kernel may emit a cell's last outputs after it reports the cell done. So each cell is followed
 * by a silent request that broadcasts a token; outputs travel in order, and what comes before the token
 * belongs to the cell. Nothing is lost, without waiting by the clock.
 * @module */
import { randomUUID } from "node:crypto";
import {
  type Displays,
  type Message,
  MessageCodec,
  type Output,
  OutputCollector,
} from "./jupyter_message.ts";
import { KernelError, KernelProcess } from "./kernel_process.ts";
import { whenListening, Zmtp } from "./zmtp.ts";

const START_TIMEOUT_MS = 30_000;
const SHUTDOWN_TIMEOUT_MS = 3_000;
const TOKEN = "reproduce_token";

/** A cell's run. After `timeout` or `died` the kernel is of no more use. */
export interface CellRun {
  status: "ok" | "error" | "timeout" | "died";
  outputs: Output[];
  executionCount: number | null;
  elapsedMs: number;
  /** Why, when the status is not ok. */
  error?: { name: string; message: string; traceback: string[] };
}

class KernelTimeout extends KernelError {}

/** A running kernel. Use with `await using`: disposal leaves no process and no file behind. */
export class Kernel implements AsyncDisposable {
  #process: KernelProcess;
  #codec: MessageCodec;
  #sockets: Zmtp[] = [];
  #shell!: Zmtp;
  #control: Zmtp | null = null;
  #replies = new Map<string, (reply: Message) => void>();
  #onBroadcast: (message: Message) => void = () => {};
  #displays: Displays = new Map();
  #broken = Promise.withResolvers<never>();

  private constructor(process: KernelProcess) {
    this.#process = process;
    this.#codec = new MessageCodec(process.key);
    this.#broken.promise.catch(() => {}); // Each waiter sees it; without one it is no error.
    process.ended.then(this.#broken.reject);
  }

  /** Starts a kernel that works in `cwd` (from where it finds `../deno.json`).
   * @throws {KernelError} it ended at once, or did not answer in time. */
  static async start(cwd: string, env: Record<string, string> = {}): Promise<Kernel> {
    for (let attempt = 1;; attempt++) {
      const kernel = new Kernel(new KernelProcess(cwd, env));
      try {
        await kernel.#within(START_TIMEOUT_MS, "start the kernel", kernel.#connect());
        return kernel;
      } catch (error) {
        await kernel.shutdown();
        // Somebody may have taken a port since it was found free: try others.
        const portTaken = error instanceof KernelError && /address.*in use/i.test(error.message);
        if (!portTaken || attempt === 3) throw error;
      }
    }
  }

  /** Runs one cell to its end, and reads until its last output has arrived.
   * @param options.timeoutMs what the cell may take.
   * @param options.onOutput called for every output message as it comes. */
  async execute(
    code: string,
    options: { timeoutMs: number; onOutput?: (message: Message) => void },
  ): Promise<CellRun> {
    const started = performance.now();
    const collector = new OutputCollector(this.#displays);
    const token = randomUUID();
    const drained = Promise.withResolvers<void>();
    this.#onBroadcast = (message) => {
      if (message.type === TOKEN && message.content.token === token) drained.resolve();
      else if (collector.apply(message)) options.onOutput?.(message);
    };
    const run = async (): Promise<Message["content"]> => {
      const reply = await this.#execute(code, false);
      await this.#execute(`await Deno.jupyter.broadcast("${TOKEN}", { token: "${token}" })`, true);
      await drained.promise;
      return reply.content;
    };
    const result = (status: CellRun["status"], count: unknown, error?: CellRun["error"]) => ({
      status,
      outputs: withErrorLast(collector.outputs, error),
      executionCount: typeof count === "number" ? count : null,
      elapsedMs: performance.now() - started,
      ...(error && { error }),
    });
    try {
      const reply = await this.#within(options.timeoutMs, "finish the cell", run());
      if (reply.status === "ok") return result("ok", reply.execution_count);
      return result("error", reply.execution_count, errorOf(reply));
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const status = error instanceof KernelTimeout ? "timeout" : "died";
      return result(status, null, { name: error.name, message: error.message, traceback: [] });
    } finally {
      this.#onBroadcast = () => {};
    }
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What the stop button does: SIGINT. It ends the kernel unless the notebook handles it. */
  interrupt(): void {
    this.#process.signal("SIGINT");
  }

  /** Ends the kernel at once; a running cell reports `died`. */
  kill(): void {
    this.#process.signal("SIGKILL");
  }

  /** Asks the kernel to end, ends it if it does not, and cleans up. */
  async shutdown(): Promise<void> {
    if (this.#control !== null) {
      this.#request(this.#control, "shutdown_request", { restart: false }).catch(() => {});
    } else {
      this.kill(); // Never connected: nobody to ask.
    }
    const timer = setTimeout(() => this.kill(), SHUTDOWN_TIMEOUT_MS);
    await this.#process.ended;
    clearTimeout(timer);
    for (const socket of this.#sockets) socket.close();
    this.#process.removeFiles();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #connect(): Promise<void> {
    const { shell, control, iopub } = this.#process.ports;
    this.#shell = await this.#open(shell, "DEALER");
    const broadcasts = await this.#open(iopub, "SUB");
    this.#control = await this.#open(control, "DEALER");
    const reply = (message: Message) => this.#replies.get(message.parentId ?? "")?.(message);
    this.#listen(this.#shell, reply);
    this.#listen(this.#control, reply);
    this.#listen(broadcasts, (message) => this.#onBroadcast(message));
    // A subscription counts once the kernel has read it: ask until an answer is heard there.
    let subscribed = false;
    this.#onBroadcast = () => subscribed = true;
    while (!subscribed) {
      await this.#request(this.#shell, "kernel_info_request", {});
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #open(port: number, type: "DEALER" | "SUB"): Promise<Zmtp> {
    const socket = await whenListening(() => Zmtp.connect(port, type), this.#broken.promise);
    this.#sockets.push(socket);
    return socket;
  }

  async #listen(socket: Zmtp, take: (message: Message) => void): Promise<void> {
    try {
      // The end of the stream is the end of the process, which `ended` reports.
      for (let frames; (frames = await socket.receive()) !== null;) {
        take(this.#codec.decode(frames));
      }
    } catch (error) {
      this.#broken.reject(new KernelError(error instanceof Error ? error.message : String(error)));
    }
  }

  #execute(code: string, silent: boolean): Promise<Message> {
    return this.#request(this.#shell, "execute_request", {
      ...{ code, silent, store_history: !silent },
      ...{ user_expressions: {}, allow_stdin: false, stop_on_error: false },
    });
  }

  async #request(socket: Zmtp, type: string, content: unknown): Promise<Message> {
    const { id, frames } = this.#codec.encode(type, content);
    const reply = Promise.withResolvers<Message>();
    this.#replies.set(id, reply.resolve);
    try {
      await socket.send(frames);
      return await Promise.race([reply.promise, this.#broken.promise]);
    } finally {
      this.#replies.delete(id);
    }
  }

  async #within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
    work.catch(() => {}); // Losing the race, it may still fail when the kernel ends.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new KernelTimeout(`Cannot ${what}: not done after ${ms / 1000} s`);
      timer = setTimeout(reject, ms, error);
    });
    try {
      return await Promise.race([work, late, this.#broken.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function errorOf(reply: Message["content"]): NonNullable<CellRun["error"]> {
  // What does not compile comes back without a name, a text or an error output.
  const message = reply.evalue === "Execution failed"
    ? "the kernel could not compile the cell; `deno task check` says where"
    : String(reply.evalue);
  return { name: String(reply.ename), message, traceback: (reply.traceback ?? []) as string[] };
}

/** Moves the error output to the end, where it belongs, and makes one where the kernel sent none. */
function withErrorLast(outputs: readonly Output[], error: CellRun["error"]): Output[] {
  if (error === undefined) return [...outputs];
  const { name: ename, message: evalue, traceback } = error;
  const others = outputs.filter((output) => output.output_type !== "error");
  return [...others, { output_type: "error", ename, evalue, traceback }];
}
