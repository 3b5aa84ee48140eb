import { assertEquals, assertThrows } from "@std/assert";
import { MessageCodec } from "lib/tools/jupyter_message.ts";

Deno.test("MessageCodec.decode() returns what encode() made, behind any routing frames", () => {
  const codec = new MessageCodec("secret");
  const { id, frames } = codec.encode("execute_request", { code: "1 + 1" });
  const route = new TextEncoder().encode("peer");
  const message = codec.decode([route, ...frames]);
  assertEquals(message, {
    header: message.header,
    id,
    type: "execute_request",
    parentId: undefined,
    content: { code: "1 + 1" },
  });
});

Deno.test("MessageCodec.decode() refuses a foreign key, a changed part and a cut message", () => {
  const codec = new MessageCodec("secret");
  const { frames } = codec.encode("status", { execution_state: "idle" });
  const changed = frames.with(-1, new TextEncoder().encode("{}"));
  assertThrows(() => new MessageCodec("other").decode(frames), Error, "signature");
  assertThrows(() => codec.decode(changed), Error, "signature");
  assertThrows(() => codec.decode(frames.slice(0, 4)), Error, "malformed");
  assertThrows(() => codec.decode([]), Error, "malformed");
});
