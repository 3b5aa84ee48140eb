/** The one place that talks to the Deno kernel. It loses or misplaces an output that is emitted just before
 * a cell ends, so each visible result is awaited and flushed. Outside a kernel `Deno.jupyter` throws when
 * it is touched; `kernel()` is then null and results go to stdout as plain text.
 * @module */
import type { Figure } from "../plot/figure.ts";
import { type Markdown, type Table, tableHtml, tableText } from "./table.ts";

/** An output on its way to a notebook. */
export interface DisplayContent {
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

/** What can be shown. */
export type Item = Figure | Table | Markdown;

/** Tells a figure from the other things that can be shown. */
export function isFigure(item: Item): item is Figure {
  return !("kind" in item);
}

/** The plain text of an item: what a terminal gets. */
export function plainText(item: Item): string {
  if (isFigure(item)) return `[figure ${item.name}] ${item.alt}`;
  return item.kind === "table" ? tableText(item) : item.text;
}

async function bundleOf(item: Item): Promise<Record<string, unknown>> {
  if (isFigure(item)) return await (await import("../plot/mime.ts")).mimeBundle(item);
  const rich = item.kind === "table"
    ? { "text/html": tableHtml(item) }
    : { "text/markdown": item.text };
  return { ...rich, "text/plain": plainText(item) };
}

/** Displays one item; resolves when it has left the kernel. Await it. */
export async function show(item: Item): Promise<void> {
  const to = kernel();
  if (to === null) console.log(plainText(item));
  else await send(to, await bundleOf(item));
}
