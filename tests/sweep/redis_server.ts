/** A real Redis server for the tests: a free port, a folder of its own, AOF persistence, a password.
 * @module */
import { freePorts } from "lib/tools/kernel_process.ts";
import { permitted } from "../tools/fixtures.ts";

const PASSWORD = "a:pass/word@";

/** Whether tests may start one: else they are skipped. */
export const hasRedis: boolean = permitted && await installed();

async function installed(): Promise<boolean> {
  try {
    return (await new Deno.Command("redis-server", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** A running server. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  kill(): Promise<void>;
  /** The same where nothing can be awaited any more; removes its files too. */
  killNow(): void;
  /** Starts it again on the same port and files. */
  restart(): Promise<void>;
}

/** Starts a server; it and its files are gone when disposed of. */
export async function startRedis(): Promise<RedisServer> {
  const directory = await Deno.makeTempDir({ prefix: "redis-test-" });
  const [port] = freePorts(1); // none that an outgoing connection may take while the server is down
  let child: Deno.ChildProcess;
  async function run(): Promise<void> {
    child = new Deno.Command("redis-server", {
      args: [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
        ...["--appendonly", "yes", "--requirepass", PASSWORD],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    for (let attempt = 0;; attempt++) {
      try {
        return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      } catch (error) {
        if (attempt === 600) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await child.status;
  }
  await run();
  return {
    url: `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    port,
    kill,
    killNow() {
      child.kill("SIGKILL");
      Deno.removeSync(directory, { recursive: true });
    },
    restart: run,
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(directory, { recursive: true });
    },
  };
}
