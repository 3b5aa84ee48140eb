/** Displays a result and waits until it stands under its cell. Deno's kernel loses or misplaces an
 * output that is emitted just before a cell ends, so each visible result is awaited and flushed.
 * Outside a kernel the plain text goes to stdout.
 * @module */
import type { Figure } from "../plot/figure.ts";
import { kernel, send } from "./kernel.ts";
import { type Markdown, type Table, tableHtml, tableText } from "./table.ts";

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
  const text = { "text/plain": plainText(item) };
  return item.kind === "table"
    ? { "text/html": tableHtml(item), ...text }
    : { "text/markdown": item.text, ...text };
}

/** Displays one item; resolves when it has left the kernel. Await it. */
export async function show(item: Item): Promise<void> {
  const to = kernel();
  if (to === null) console.log(plainText(item));
  else await send(to, await bundleOf(item));
}
