/** What the clients, and what the servers, of the protocols have in common.
 * @module */
import { type Message, ProtocolError } from "../net/wire.ts";

/** The number of images that a client is asked to classify.
 * @throws {TypeError} pixels that are not rows of n, or none. */
export function countImages(pixels: Uint8Array, n: number): number {
  if (pixels.length === 0 || pixels.length % n !== 0) {
    throw new TypeError(`Cannot predict: ${pixels.length} pixels are not rows of ${n}`);
  }
  return pixels.length / n;
}

/** Classes of `count` images, asked of the server for some at a time.
 * @param most images of one request.   @param ask asks for those from ≤ i < to.
 * @throws {ProtocolError} an answer with another number of classes. */
export async function classifyInParts(
  count: number,
  most: number,
  ask: (from: number, to: number) => Promise<Message>,
  onProgress?: (done: number, total: number) => void,
): Promise<Uint8Array> {
  const classes = new Uint8Array(count);
  for (let from = 0; from < count; from += most) {
    const to = Math.min(from + most, count);
    const part = (await ask(from, to)).bytes("classes");
    if (part.length !== to - from) {
      throw new ProtocolError(`Cannot read classes: ${part.length} for ${to - from} images`);
    }
    classes.set(part, from);
    onProgress?.(to, count);
  }
  return classes;
}

/** The labels of a request, at the server.
 * @param action what is refused with them.   @throws {ProtocolError} not `count` labels below `classes`. */
export function readLabels(
  action: string,
  request: Message,
  count: number,
  classes: number,
): Uint8Array {
  const labels = request.bytes("labels");
  if (labels.length !== count || labels.some((label) => label >= classes)) {
    throw new ProtocolError(
      `Cannot ${action}: expected ${count} labels below ${classes}, got ${labels.length} up to ` +
        `${labels.reduce((a, b) => Math.max(a, b), 0)}`,
    );
  }
  return labels;
}
