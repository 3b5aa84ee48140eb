/** The one place that talks to the Deno kernel. Outside a kernel `Deno.jupyter` throws when it is
 * touched; `kernel()` is then null and everything above falls back to the terminal.
 * @module */

interface DisplayContent {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  transient: { display_id?: string };
}

/** What is used of `Deno.jupyter`. */
export interface Kernel {
  broadcast(type: "display_data" | "update_display_data", content: DisplayContent): Promise<void>;
}

/** The kernel that runs this code, or null under `deno run` and `deno test`. */
export function kernel(): Kernel | null {
  try {
    return (Deno as unknown as { jupyter: Kernel }).jupyter;
  } catch {
    return null;
  }
}

/** How long an output of this size needs to leave the kernel before its cell may end. Measured: at
 * least 10 ms, more for large ones; 50 ms and 20 ms a megabyte brought every one of 360 home. */
export function flushMs(bytes: number): number {
  return 50 + Math.ceil(bytes / 1e6 * 20);
}

/** Sends one output and waits until it has left. */
export async function send(
  to: Kernel,
  data: Record<string, unknown>,
  displayId?: string,
): Promise<void> {
  const transient = displayId === undefined ? {} : { display_id: displayId };
  await to.broadcast("display_data", { data, metadata: {}, transient });
  const bytes = JSON.stringify(data).length;
  await new Promise((resolve) => setTimeout(resolve, flushMs(bytes)));
}
