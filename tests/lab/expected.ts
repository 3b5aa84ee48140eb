/** What must stand under each cell of a page, from the outputs that a headless run recorded.
 *
 * A rerun has other times and numbers, and the recorded run may be of the other profile; so an output is
 * known by its kind and by its first words up to the first number.
 * @module */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { CodeCell } from "lib/tools/ipynb.ts";
import type { Output } from "lib/tools/jupyter_message.ts";
import { isError, type SeenCell, type SeenOutput } from "./lab_page.ts";

const PLOTLY = "application/vnd.plotly.v1+json";

/** Text without white space and Markdown's marks, up to the first digit or the profile's name. */
function firstWords(text: string): string {
  return text.trimStart().split("\n")[0].split(/\d|quick|full/)[0].replace(/[\s*_`#~]/g, "");
}

const squeeze = (text: string) => text.replace(/[\s*_`#~]/g, "");

function figureTitle(output: Output): string | null {
  if (output.output_type === "stream" || output.output_type === "error") return null;
  const spec = output.data[PLOTLY] as { layout: { title: string | { text: string } } } | undefined;
  if (spec === undefined) return null;
  const { title } = spec.layout;
  return typeof title === "string" ? title : title.text;
}

function assertOutput(seen: SeenOutput, recorded: Output, where: string): void {
  assert(seen.imagesLoaded, `${where}: an image has not loaded`);
  if (recorded.output_type === "stream") {
    assertEquals(seen.mime, `application/vnd.jupyter.${recorded.name}`, where);
    return;
  }
  assert(recorded.output_type !== "error", `${where}: the recorded run failed`);
  assert(seen.mime in recorded.data, `${where}: drawn as ${seen.mime}`);
  const title = figureTitle(recorded);
  if (title !== null) {
    assertEquals(seen.figureTitles.length, 1, `${where}: the figure "${title}" is not drawn`);
    const drawn = squeeze(seen.figureTitles[0]);
    assert(
      drawn.startsWith(firstWords(title)),
      `${where}: "${drawn}" stands in place of "${title}"`,
    );
  } else {
    const words = firstWords(String(recorded.data["text/plain"]));
    const found = squeeze(seen.text).startsWith(words);
    assert(found, `${where}: "${seen.text.slice(0, 80)}" stands in place of "${words}"`);
  }
}

/** Asserts that a cell shows that it was stopped, and that no later one has run. */
export function assertStopped(cells: readonly SeenCell[], at: number): void {
  const texts = cells[at].outputs.map(({ text }) => text.trim());
  const where = `cell ${at + 1}, stopped: ${texts.join(" | ").slice(0, 500)}`;
  assertStringIncludes(texts.at(-1) ?? "", "Interrupted by the stop button", where);
  assert(texts.some((text) => /stopped( at \d+\/\d+)?$/.test(text)), where);
  for (const [i, { prompt, outputs }] of cells.entries()) {
    if (i <= at || prompt === "") continue;
    assertEquals([prompt, outputs.length], ["[ ]:", 0], `cell ${i + 1} ran after the stop`);
  }
}

/** The execution count of a cell that has run. */
export const countOf = ({ prompt }: SeenCell): number => parseInt(prompt.slice(1));

/** Asserts that a code cell ran without an error and has its own outputs under it, all of them, in
 * order, drawn. */
export function assertCell(
  seen: SeenCell,
  recorded: CodeCell,
  number: number,
): void {
  const where = `cell ${number}`;
  const failed = seen.outputs.find(isError);
  assertEquals(failed?.text, undefined, `${where} shows an error: ${failed?.text}`);
  assertEquals(seen.outputs.length, recorded.outputs.length, `${where}: number of outputs`);
  for (const [i, output] of recorded.outputs.entries()) {
    assertOutput(seen.outputs[i], output, `${where}, output ${i + 1}`);
  }
}
