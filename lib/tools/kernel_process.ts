/** The kernel's operating-system side: free ports, the connection file, the process and its end.
 * @module */
import { randomUUID } from "node:crypto";
import { join } from "node:path";

/** Below the ports that systems hand out to outgoing connections, so that none of those takes ours. */
const PORTS = { from: 20_000, to: 32_000 };

/** The kernel did not start, did not answer, or ended. */
export class KernelError extends Error {
  override name = "KernelError";
}

/** Where a kernel listens. */
export type KernelPorts = Record<"shell" | "iopub" | "stdin" | "control" | "heartbeat", number>;

/** Picks free ports, all held at once so that no two are the same. */
export function freePorts(count: number): number[] {
  const listeners: Deno.TcpListener[] = [];
  while (listeners.length < count) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    try {
      listeners.push(Deno.listen({ hostname: "127.0.0.1", port }));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** One `deno jupyter --kernel` process. */
export class KernelProcess {
  readonly ports: KernelPorts;
  /** Resolves when the process has ended, with what is known about why. */
  readonly ended: Promise<KernelError>;
  #child: Deno.ChildProcess;
  #directory = Deno.makeTempDirSync({ prefix: "deno-kernel-" });
  #stderr = "";

  /** @param key signs its messages.
   * @throws {KernelError} the process cannot be started, for example in a folder that is not there. */
  constructor(
    cwd: string,
    env: Record<string, string>,
    readonly key: string = randomUUID(),
  ) {
    const [shell, iopub, stdin, control, heartbeat] = freePorts(5);
    this.ports = { shell, iopub, stdin, control, heartbeat };
    const file = join(this.#directory, "connection.json");
    const connection = {
      ...{ transport: "tcp", ip: "127.0.0.1", key: this.key, signature_scheme: "hmac-sha256" },
      ...{ shell_port: shell, iopub_port: iopub, stdin_port: stdin },
      ...{ control_port: control, hb_port: heartbeat },
    };
    Deno.writeTextFileSync(file, JSON.stringify(connection), { mode: 0o600 });
    const command = new Deno.Command(Deno.execPath(), {
      args: ["jupyter", "--kernel", "--conn", file],
      cwd,
      env: { NO_COLOR: "1", ...env },
      ...{ stdin: "null", stdout: "null", stderr: "piped" } as const,
    });
    try {
      this.#child = command.spawn();
    } catch (error) {
      this.removeFiles();
      throw new KernelError(`Cannot start the kernel: ${(error as Error).message}`);
    }
    this.ended = Promise.all([this.#child.status, this.#readStderr()])
      .then(([status]) => this.#deathNote(status));
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a signal; a process that has ended already needs none. */
  signal(signal: "SIGINT" | "SIGKILL"): void {
    try {
      this.#child.kill(signal);
    } catch {
      // Ended already.
    }
  }

  /** Removes the connection file; call when the process has ended. */
  removeFiles(): void {
    Deno.removeSync(this.#directory, { recursive: true });
  }

  async #readStderr(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr = (this.#stderr + text).slice(-4000);
    }
  }

  #deathNote({ code, signal }: Deno.CommandStatus): KernelError {
    const said = this.#stderr.split("\n").filter((line) => !line.includes("is unstable and might"))
      .join("\n").trim();
    const how = signal === null ? `status ${code}` : signal;
    return new KernelError(`The kernel ended (${how})${said && `: ${said}`}`);
  }
}
