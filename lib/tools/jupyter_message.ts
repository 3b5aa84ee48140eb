/** Jupyter messages as bytes: four JSON parts signed with HMAC-SHA256, behind a delimiter.
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
