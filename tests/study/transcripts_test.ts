import { assertEquals, assertThrows } from "@std/assert";
import { Transcript } from "lib/net/transcript.ts";
import { bytesText, secondsText, sent, worked } from "lib/study/transcripts.ts";

const transcript = new Transcript();
transcript.send("client", "server", "labels", new Uint8Array(10));
transcript.send("client", "server", "labels", new Uint8Array(30));
transcript.note("server", "step", 4, 2000);
transcript.note("client", "setup", 1, 90_000);

Deno.test("bytesText() and secondsText() choose a unit that reads", () => {
  assertEquals([0, 999, 1_888_400, 9.14e9].map(bytesText), ["0 B", "999 B", "1.9 MB", "9.1 GB"]);
  assertEquals(
    [0.0004, 0.25, 12, 210, 7200, 450_000].map(secondsText),
    ["0.4 ms", "250 ms", "12.0 s", "3.5 min", "2.0 h", "5.2 days"],
  );
});

Deno.test("sent() and worked() tell the mean size and time of what was measured", () => {
  assertEquals(sent(transcript, ["client", "server"], "labels"), {
    ...{ kind: "message", from: "client", to: "server", label: "labels" },
    detail: "20 B, 2 times",
  });
  const step = { kind: "work", at: "server", label: "decrypt", detail: "500 ms, 4 times" } as const;
  assertEquals(worked(transcript, "server", "step", "decrypt"), step);
  assertEquals(worked(transcript, "client", "setup").detail, "1.5 min");
  assertThrows(
    () => sent(transcript, ["server", "client"], "labels"),
    RangeError,
    "server to client",
  );
  assertThrows(() => worked(transcript, "client", "step"), RangeError, "step");
});
