/** Images as files, and a test that may write some.
 * @module */
import { assertEquals, assertRejects } from "@std/assert";
import { encode } from "fast-png";
import { DataError } from "lib/data/dataset.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A test in a fresh folder; skipped without permissions. */
export const test = (name: string, body: (folder: string) => Promise<void>, ignore = false) =>
  Deno.test({ name, ignore: ignore || !permitted, fn: () => withFolder(body) });

/** A PNG of pixels [height, width, channels]; 2 and 4 channels have alpha. */
export function png(
  pixels: ArrayLike<number>,
  [height, width, channels]: readonly [number, number, number],
  depth: 8 | 16 = 8,
): Bytes {
  const data = depth === 8 ? Uint8Array.from(pixels) : Uint16Array.from(pixels);
  return new Uint8Array(encode({ height, width, channels, depth, data }));
}

/** Different pixels, [height, width, channels]. */
export const ramp = (count: number, from = 0): Bytes =>
  Uint8Array.from({ length: count }, (_, k) => from + 7 * k);

/** Writes files, and the folders that they are in. */
export async function write(folder: string, files: Record<string, Uint8Array | string>) {
  for (const [name, content] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(path, bytes as Bytes);
  }
}

/** The one line that refuses something, without the folder. */
export async function refusal(folder: string, run: () => Promise<unknown>): Promise<string> {
  const { message } = await assertRejects(run, DataError);
  assertEquals(message.includes("\n"), false, message);
  return message.replaceAll(`${folder}/`, "").replaceAll(folder, "FOLDER");
}
