import { assertEquals, assertThrows } from "@std/assert";
import { Transcript } from "lib/net/transcript.ts";
import { bytesText, type Drawn, sequenceOf } from "lib/study/transcripts.ts";

const transcript = new Transcript();
transcript.send("client", "server", "labels", new Uint8Array(10));
transcript.send("client", "server", "labels", new Uint8Array(30));
transcript.note("server", "step", 4, 2000);
transcript.note("client", "setup", 1, 90_000);

Deno.test("bytesText() chooses a unit that reads", () => {
  assertEquals([0, 999, 1_888_400, 9.14e9].map(bytesText), ["0 B", "999 B", "1.9 MB", "9.1 GB"]);
});

const draw = (...steps: Drawn[]) =>
  sequenceOf(transcript, { name: "s", title: "t", alt: "a", roles: ["client", "server"], steps });

Deno.test("sequenceOf() tells the mean size and time of what was measured, and how often", () => {
  const text = JSON.stringify(
    draw(
      ["client", "setup"],
      {
        each: "every batch",
        steps: [["client → server", "labels"], ["server", "step", "decrypt"]],
      },
    ).layout,
  );
  for (const words of ["every batch", "labels", "20 B, 2 times", "decrypt", "500 ms, 4 times"]) {
    assertEquals(text.includes(words), true, words);
  }
  assertEquals([text.includes("90 s"), text.includes("once")], [true, false]);
  assertThrows(() => draw(["server → client", "labels"]), RangeError, "from server to client");
  assertThrows(() => draw(["client", "step"]), RangeError, "step");
});
