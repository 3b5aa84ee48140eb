/** The Deno kernel as JupyterLab needs it: after a cell that fails or is stopped, the cells behind it do not run.
 *
 * JupyterLab sends all cells of a Run All at once and asks the kernel to drop them after an error
 * (`stop_on_error`). Deno's kernel (2.9.6) does not, and goes on with half a result. So `deno task lab` has this
 * process between the two: it hands execute requests on one at a time and answers for those that are dropped. All
 * else goes through as it comes. SIGINT reaches the kernel by itself: Jupyter sends it to the process group.
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#execution-results
 * @module */
import { type Message, MessageCodec } from "./jupyter_message.ts";
import { KernelProcess } from "./kernel_process.ts";
import { whenListening, Zmtp } from "./zmtp.ts";

const encoder = new TextEncoder();

/** A client's requests on their way to the kernel. */
class Shell {
  readonly #waiting: { frames: Uint8Array[]; request: Message }[] = [];
  #running: Message | undefined;

  constructor(
    readonly client: Zmtp,
    readonly kernel: Zmtp,
    readonly codec: MessageCodec,
    /** Sends to all who listen to broadcasts. */
    readonly broadcast: (frames: Uint8Array[]) => Promise<unknown>,
  ) {}

  async takeRequests(): Promise<void> {
    for (let frames; (frames = await this.client.receive()) !== null;) {
      const request = this.codec.decode(frames);
      if (request.type !== "execute_request") await this.kernel.send(frames);
      else {
        this.#waiting.push({ frames, request });
        await this.#next();
      }
    }
    this.kernel.close();
  }

  async takeReplies(): Promise<void> {
    for (let frames; (frames = await this.kernel.receive()) !== null;) {
      await this.client.send(frames);
      const reply = this.codec.decode(frames);
      if (this.#running === undefined || reply.parentId !== this.#running.id) continue;
      const stops = this.#running.content.stop_on_error !== false;
      this.#running = undefined;
      if (reply.content.status !== "ok" && stops) await this.#drop();
      await this.#next();
    }
    this.client.close();
  }

  async #next(): Promise<void> {
    if (this.#running !== undefined) return;
    const first = this.#waiting.shift();
    this.#running = first?.request;
    if (first !== undefined) await this.kernel.send(first.frames);
  }

  /** Answers what waits as a kernel does that drops it. */
  async #drop(): Promise<void> {
    for (const { request: { header } } of this.#waiting.splice(0)) {
      const status = (execution_state: string) => [
        encoder.encode("status"),
        ...this.codec.encode("status", { execution_state }, header).frames,
      ];
      await this.broadcast(status("busy"));
      const { frames } = this.codec.encode("execute_reply", { status: "aborted" }, header);
      await this.client.send(frames);
      await this.broadcast(status("idle"));
    }
  }
}

/** Stands between a client and a kernel of its own until that ends.
 * @param connection what the client was told.   @param cwd where the kernel works. */
export async function relay(
  connection: Record<"shell" | "iopub" | "stdin" | "control" | "hb", number> & { key: string },
  cwd: string,
): Promise<void> {
  const kernel = new KernelProcess(cwd, {}, connection.key);
  const { ports } = kernel;
  const codec = new MessageCodec(connection.key);
  const listeners = new Set<Zmtp>();
  const broadcast = (frames: Uint8Array[]) =>
    Promise.allSettled([...listeners].map((listener) => listener.send(frames)));

  const ended = kernel.ended.then((error) => Promise.reject(error));
  ended.catch(() => {}); // whoever waits for it hears of it

  const serve = async (port: number, take: (connection: Deno.TcpConn) => Promise<unknown>) => {
    for await (const taken of Deno.listen({ hostname: "127.0.0.1", port })) {
      take(taken).catch(() => taken.close()); // a client that breaks off is its own affair
    }
  };
  const pipe = async (client: Deno.TcpConn, port: number) => {
    const inner = await whenListening(() => Deno.connect({ hostname: "127.0.0.1", port }), ended);
    await Promise.allSettled([
      client.readable.pipeTo(inner.writable),
      inner.readable.pipeTo(client.writable),
    ]);
  };
  serve(connection.shell, async (taken) => {
    const client = await Zmtp.accept(taken, "ROUTER");
    const inner = await whenListening(() => Zmtp.connect(ports.shell, "DEALER"), ended);
    const shell = new Shell(client, inner, codec, broadcast);
    await Promise.all([shell.takeRequests(), shell.takeReplies()]);
  });
  serve(connection.iopub, async (taken) => {
    const client = await Zmtp.accept(taken, "PUB");
    const inner = await whenListening(() => Zmtp.connect(ports.iopub, "SUB"), ended);
    listeners.add(client);
    client.receive().then(async (frames) => {
      while (frames !== null) frames = await client.receive(); // subscriptions: everybody gets all
      listeners.delete(client);
      inner.close();
    });
    for (let frames; (frames = await inner.receive()) !== null;) await client.send(frames);
  });
  serve(connection.stdin, (client) => pipe(client, ports.stdin));
  serve(connection.control, (client) => pipe(client, ports.control));
  serve(connection.hb, (client) => pipe(client, ports.heartbeat));

  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGINT", () => {});
    Deno.addSignalListener("SIGTERM", () => kernel.signal("SIGKILL"));
  }
  await kernel.ended;
  kernel.removeFiles();
}

if (import.meta.main) {
  const file = JSON.parse(await Deno.readTextFile(Deno.args[0]));
  const { shell_port: shell, iopub_port: iopub, stdin_port: stdin, key } = file;
  const { control_port: control, hb_port: hb } = file;
  await relay({ shell, iopub, stdin, control, hb, key }, Deno.cwd());
  Deno.exit(0);
}
