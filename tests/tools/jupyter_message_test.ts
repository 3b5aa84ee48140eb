import { assertEquals, assertThrows } from "@std/assert";
import {
  type Displays,
  type Message,
  MessageCodec,
  OutputCollector,
} from "lib/tools/jupyter_message.ts";

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

const message = (type: string, content: Message["content"]): Message => ({
  ...{ id: "", type, content, header: {} },
});
const stream = (text: string, name = "stdout") => message("stream", { name, text });
const display = (text: string, display_id?: string, type = "display_data") =>
  message(type, { data: { "text/plain": text }, metadata: {}, transient: { display_id } });

function collect(messages: Message[], displays?: Displays) {
  const collector = new OutputCollector(displays);
  for (const one of messages) collector.apply(one);
  return collector.outputs;
}

const texts = (outputs: ReturnType<typeof collect>) =>
  outputs.map((output) =>
    output.output_type === "stream"
      ? `${output.name}:${output.text}`
      : output.output_type === "error"
      ? output.ename
      : output.data["text/plain"]
  );

Deno.test("OutputCollector.apply() merges text on one stream and keeps the order otherwise", () => {
  const outputs = collect([
    stream("a"),
    stream("b"),
    stream("c", "stderr"),
    display("d"),
    stream("e"),
  ]);
  assertEquals(texts(outputs), ["stdout:ab", "stderr:c", "d", "stdout:e"]);
});

Deno.test("OutputCollector.apply() updates a display in place, from a later cell too", () => {
  const displays: Displays = new Map();
  const first = collect([display("0 %", "p"), display("other", "q")], displays);
  const second = collect([display("100 %", "p", "update_display_data"), stream("x")], displays);
  assertEquals([texts(first), texts(second)], [["100 %", "other"], ["stdout:x"]]);
});

Deno.test("OutputCollector.apply() ignores an update of an unknown display", () => {
  assertEquals(collect([display("0 %", "nobody", "update_display_data")]), []);
});

Deno.test("OutputCollector.apply() clears at once, or when the next output comes", () => {
  const clear = (wait: boolean) => message("clear_output", { wait });
  assertEquals(texts(collect([stream("a"), clear(false)])), []);
  assertEquals(texts(collect([stream("a"), clear(true)])), ["stdout:a"]);
  assertEquals(texts(collect([stream("a"), clear(true), stream("b")])), ["stdout:b"]);
});

Deno.test("OutputCollector.apply() stores no transient part and passes over other messages", () => {
  const collector = new OutputCollector();
  assertEquals(collector.apply(message("status", { execution_state: "idle" })), false);
  assertEquals(collector.apply(display("d", "id")), true);
  const data = { "text/plain": "d" };
  assertEquals(collector.outputs, [{ output_type: "display_data", data, metadata: {} }]);
});
