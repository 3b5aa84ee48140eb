import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { classifyInParts, countImages, readLabels } from "lib/protocol/parties.ts";
import { decodeMessage, encodeMessage, ProtocolError } from "lib/net/wire.ts";

const message = (type: string, fields: Parameters<typeof encodeMessage>[1]) =>
  decodeMessage(encodeMessage(type, fields), type);

Deno.test("countImages() counts rows, and refuses pixels that are none", () => {
  assertEquals(countImages(new Uint8Array(12), 4), 3);
  for (const length of [0, 3, 13]) {
    assertThrows(
      () => countImages(new Uint8Array(length), 4),
      TypeError,
      `${length} pixels are not rows of 4`,
    );
  }
});

Deno.test("classifyInParts() asks for all images, some at a time, and keeps their order", async () => {
  const asked: [number, number][] = [];
  const progress: number[] = [];
  const ask = (from: number, to: number) => {
    asked.push([from, to]);
    const classes = Uint8Array.from({ length: to - from }, (_, i) => 10 + from + i);
    return Promise.resolve(message("classes", { classes }));
  };
  const classes = await classifyInParts(5, 2, ask, (done, total) => progress.push(done, total));
  assertEquals([...classes], [10, 11, 12, 13, 14]);
  assertEquals(asked, [[0, 2], [2, 4], [4, 5]]);
  assertEquals(progress, [2, 5, 4, 5, 5, 5]);
  const short = () => Promise.resolve(message("classes", { classes: new Uint8Array(1) }));
  await assertRejects(() => classifyInParts(5, 2, short), ProtocolError, "1 for 2 images");
});

Deno.test("readLabels() takes so many labels, all of them classes", () => {
  const read = (...labels: number[]) =>
    readLabels("train", message("z1", { labels: Uint8Array.from(labels) }), 2, 3);
  assertEquals([...read(0, 2)], [0, 2]);
  const refused = (why: string, ...labels: number[]) =>
    assertThrows(() => read(...labels), ProtocolError, `Cannot train: expected 2 labels ${why}`);
  refused("below 3, got 2 up to 3", 0, 3);
  refused("below 3, got 1 up to 1", 1);
  refused("below 3, got 0 up to 0");
});
