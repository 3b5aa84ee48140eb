import { assertEquals } from "@std/assert";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Message, MessageCodec } from "lib/tools/jupyter_message.ts";
import { freePorts } from "lib/tools/kernel_process.ts";
import { NOTEBOOKS, ROOT } from "lib/tools/workspace.ts";
import { Zmtp } from "lib/tools/zmtp.ts";
import { permitted, withFolder } from "./fixtures.ts";

/** Looks every few milliseconds until there is something. @throws {Error} a minute has gone by. */
async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const giveUp = performance.now() + 60_000;
  while (true) {
    const found = await look();
    if (found) return found;
    if (performance.now() > giveUp) throw new Error(`not in a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const connect = (port: number, type: "DEALER" | "SUB") =>
  until(`port ${port} listens`, () => Zmtp.connect(port, type).catch(() => null));

/** A relay in a process of its own, as Jupyter starts it, and a client of it. */
async function relayed(
  folder: string,
  body: (client: {
    /** Sends cells at once. @returns how each was answered, and what was heard meanwhile. */
    execute(cells: string[], options?: object): Promise<{ replies: string[]; heard: Message[] }>;
    /** Presses stop once a cell has shown something. */
    stop(): Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = freePorts(5);
  const key = randomUUID();
  const file = join(folder, "connection.json");
  const connection = { shell_port, iopub_port, stdin_port, control_port, hb_port, key };
  await Deno.writeTextFile(file, JSON.stringify(connection));
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "lib/tools/kernel_relay.ts"), file],
    cwd: NOTEBOOKS,
    stdin: "null",
  }).spawn();
  const codec = new MessageCodec(key);
  const [shell, iopub, control] = await Promise.all([
    connect(shell_port, "DEALER"),
    connect(iopub_port, "SUB"),
    connect(control_port, "DEALER"),
  ]);
  const broadcasts: Message[] = [];
  const listening = (async () => {
    for (let frames; (frames = await iopub.receive()) !== null;) {
      broadcasts.push(codec.decode(frames));
    }
  })();
  try {
    while (broadcasts.length === 0) { // until the subscription counts
      await shell.send(codec.encode("kernel_info_request", {}).frames);
      await shell.receive();
    }
    await body({
      async execute(cells, options = {}) {
        broadcasts.splice(0);
        const requests = cells.map((code) =>
          codec.encode("execute_request", {
            ...{ code, silent: false, store_history: true, stop_on_error: true },
            ...options,
          })
        );
        for (const { frames } of requests) await shell.send(frames);
        const replies: string[] = [];
        for (const { id } of requests) {
          const reply = codec.decode((await shell.receive())!);
          assertEquals(reply.parentId, id);
          replies.push(String(reply.content.status));
        }
        const isIdle = ({ type, content, parentId }: Message) =>
          type === "status" && content.execution_state === "idle" &&
          requests.some(({ id }) => id === parentId);
        await until("all cells idle", () => broadcasts.filter(isIdle).length >= requests.length);
        // Deno's kernel may send a cell's last text after it is idle: an output of one more request comes behind it.
        const { frames } = codec.encode("execute_request", {
          ...{ code: TOKEN_CODE, silent: true, store_history: false },
        });
        await shell.send(frames);
        await shell.receive();
        await until("the token", () => broadcasts.some(({ type }) => type === TOKEN));
        return { replies, heard: [...broadcasts] };
      },
      async stop() { // what Jupyter sends to the process group
        await until("an output", () => broadcasts.some(({ type }) => type === "display_data"));
        const children = new Deno.Command("pgrep", { args: ["-P", String(process.pid)] });
        const kernel = parseInt(new TextDecoder().decode(children.outputSync().stdout));
        Deno.kill(kernel, "SIGINT");
        Deno.kill(process.pid, "SIGINT");
      },
    });
    await control.send(codec.encode("shutdown_request", { restart: false }).frames);
  } catch (error) {
    process.kill("SIGTERM");
    throw error;
  } finally {
    await process.status; // it ends with its kernel
    for (const socket of [shell, iopub, control]) socket.close();
    await listening;
  }
}

const TOKEN = "relay_token";
const TOKEN_CODE = `await Deno.jupyter.broadcast("${TOKEN}", {})`;

const textOf = (heard: Message[]) =>
  heard.filter(({ type }) => type === "stream").map(({ content }) => content.text).join("");

Deno.test({
  name: "relay() drops the cells behind one that fails or is stopped, and hands the next ones on",
  ignore: !permitted || Deno.build.os === "windows",
  fn: () =>
    withFolder((folder) =>
      relayed(folder, async ({ execute, stop }) => {
        const all = await execute(["console.log(1)", "console.log(2)"]);
        assertEquals([all.replies, textOf(all.heard)], [["ok", "ok"], "1\n2\n"]);

        const failing = [
          "console.log(1)",
          "throw new Error('no')",
          "console.log(2)",
          "console.log(3)",
        ];
        const failed = await execute(failing);
        assertEquals(failed.replies, ["ok", "error", "aborted", "aborted"]);
        assertEquals(textOf(failed.heard), "1\n");
        const told = await execute(failing, { stop_on_error: false });
        assertEquals([told.replies, textOf(told.heard)], [
          ["ok", "error", "ok", "ok"],
          "1\n2\n3\n",
        ]);

        const start = `import { openNotebook } from "lib/notebook/notebook.ts";
          const nb = await openNotebook({ name: "stop", figures: [] });`;
        assertEquals((await execute([start])).replies, ["ok"]);
        const stopping = execute([
          `await nb.run("work", ({ signal }) => new Promise((_, reject) =>
            signal.onabort = () => reject(signal.reason)));`,
          "console.log('half a result')",
        ]);
        await stop();
        const stopped = await stopping;
        assertEquals([stopped.replies, textOf(stopped.heard)], [["error", "aborted"], ""]);
        assertEquals(textOf((await execute(["console.log(nb.profile)"])).heard), "quick\n");

        const large = await execute([`console.log("x".repeat(3e6))`]);
        assertEquals(textOf(large.heard).length, 3e6 + 1);
      })
    ),
});
