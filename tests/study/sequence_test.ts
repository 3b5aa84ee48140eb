import { assertEquals, assertThrows } from "@std/assert";
import { Transcript } from "lib/net/transcript.ts";
import { measured, repeated } from "lib/study/sequence.ts";

const transcript = new Transcript();
for (let i = 0; i < 1200; i++) transcript.send("server", "client", "dz1", new Uint8Array(2500));
transcript.send("client", "server", "train", new Uint8Array(180));
transcript.note("client", "encrypt", 4, 50);

Deno.test("measured() takes sender, receiver, worker, bytes and times from the transcript", () => {
  const { message, work } = measured(transcript);
  assertEquals(message("dz1, loss", "dz1"), {
    ...{ kind: "message", from: "server", to: "client", label: "dz1, loss" },
    detail: "3 kB, 1\u202f200 times",
  });
  assertEquals(message("train: sizes", "train").kind, "message");
  assertEquals(work("encrypt every sample", "encrypt", "each"), {
    ...{ kind: "work", at: "client", label: "encrypt every sample", detail: "12.5 ms each" },
  });
  const once = message("train: sizes", "train");
  assertEquals(once.kind === "message" && once.detail, "180 B, once");
});

Deno.test("measured() refuses what was not noted", () => {
  const { message, work } = measured(transcript);
  assertThrows(() => message("z1", "z1"), RangeError, 'Cannot draw "z1": the transcript has dz1');
  assertThrows(() => work("decrypt", "decrypt"), RangeError, "the transcript has encrypt");
});

Deno.test("repeated() puts steps into a frame", () => {
  const step = measured(transcript).work("encrypt", "encrypt");
  assertEquals(repeated("once", [step]), { kind: "group", label: "once", steps: [step] });
});
