/** Jupyter messages as bytes: four JSON parts signed with HMAC-SHA256, behind a delimiter; and a cell's outputs, built
 * from them as a front end builds them: text on the same stream runs together, a display is replaced in place when its
 * `display_id` is updated (from a later cell too), `clear_output` empties the cell.
 *
 * Every message that comes between a cell's request and its token belongs to that cell, whatever
 * parent the kernel wrote on it: Deno's kernel labels late outputs with the next request.
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html
 * @module */
import { createHmac, randomUUID } from "node:crypto";

const DELIMITER = "<IDS|MSG>";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message as the client needs it. `parentId` is the request that it answers. */
export interface Message {
  id: string;
  type: string;
  parentId?: string;
  content: Record<string, unknown>;
  /** As it came, for whoever answers. */
  header: Record<string, unknown>;
}

/** Signs and checks the messages of one kernel connection. */
export class MessageCodec {
  #session = randomUUID();

  constructor(readonly key: string) {}

  #sign(parts: readonly Uint8Array[]): string {
    const hmac = createHmac("sha256", this.key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  /** A message's frames, and the id under which its answers come back.
   * @param parent the header of the request that it answers. */
  encode(type: string, content: unknown, parent = {}): { id: string; frames: Uint8Array[] } {
    const id = randomUUID();
    const header = {
      ...{ msg_id: id, msg_type: type, session: this.#session, version: "5.3" },
      ...{ username: "reproduce", date: new Date().toISOString() },
    };
    const parts = [header, parent, {}, content].map((part) => encoder.encode(JSON.stringify(part)));
    return { id, frames: [encoder.encode(DELIMITER), encoder.encode(this.#sign(parts)), ...parts] };
  }

  /** @throws {Error} no delimiter, parts missing, or a wrong signature: the stream is damaged. */
  decode(frames: readonly Uint8Array[]): Message {
    const start = frames.findIndex((frame) =>
      frame.length === DELIMITER.length && decoder.decode(frame) === DELIMITER
    );
    const parts = frames.slice(start + 2, start + 6);
    if (start < 0 || parts.length < 4 || decoder.decode(frames[start + 1]) !== this.#sign(parts)) {
      throw new Error("Cannot read a kernel message: it is malformed or its signature is wrong");
    }
    const [header, parent, , content] = parts.map((part) => JSON.parse(decoder.decode(part)));
    return { id: header.msg_id, type: header.msg_type, parentId: parent.msg_id, content, header };
  }
}

/** Output as nbformat 4.5 stores it; texts are whole strings here, lists of lines in the file. */
export type Output =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: string }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] }
  | RichOutput;

/** A MIME bundle, displayed or returned. */
export interface RichOutput {
  output_type: "display_data" | "execute_result";
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  execution_count?: number;
}

/** Displays by id, shared by all cells of one run. */
export type Displays = Map<string, RichOutput[]>;

/** Collects the outputs of one cell. */
export class OutputCollector {
  readonly outputs: Output[] = [];
  #displays: Displays;
  #clearNext = false;

  constructor(displays: Displays = new Map()) {
    this.#displays = displays;
  }

  /** Takes one message; returns whether it was an output. */
  apply({ type, content }: Message): boolean {
    const id = (content.transient as { display_id?: string } | undefined)?.display_id ?? "";
    const data = content.data as RichOutput["data"];
    const metadata = (content.metadata ?? {}) as RichOutput["metadata"];
    if (type === "stream") {
      this.#addText(content.name as "stdout" | "stderr", String(content.text));
    } else if (type === "display_data" || type === "execute_result") {
      const output: RichOutput = { output_type: type, data, metadata };
      if (type === "execute_result") output.execution_count = content.execution_count as number;
      if (id !== "") this.#displays.set(id, [...this.#displays.get(id) ?? [], output]);
      this.#push(output);
    } else if (type === "update_display_data") {
      for (const output of this.#displays.get(id) ?? []) Object.assign(output, { data, metadata });
    } else if (type === "error") {
      const { ename, evalue, traceback } = content;
      const texts = { ename: String(ename), evalue: String(evalue) };
      this.#push({ output_type: "error", ...texts, traceback: traceback as string[] });
    } else if (type === "clear_output") {
      if (content.wait === true) this.#clearNext = true;
      else this.outputs.length = 0;
    } else {
      return false;
    }
    return true;
  }

  #push(output: Output): void {
    if (this.#clearNext) this.outputs.length = 0;
    this.#clearNext = false;
    this.outputs.push(output);
  }

  #addText(name: "stdout" | "stderr", text: string): void {
    const last = this.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name && !this.#clearNext) last.text += text;
    else this.#push({ output_type: "stream", name, text });
  }
}
