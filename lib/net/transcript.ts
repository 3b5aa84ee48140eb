/** Who sent whom how many bytes, and how long each step took: the measured side of a protocol.
 * @module */

/** A party of a protocol. */
export type Role = "authority" | "client" | "server";

/** Messages of one kind between two parties, added up. */
export interface Traffic {
  readonly from: Role;
  readonly to: Role;
  readonly what: string;
  messages: number;
  sizeBytes: number;
}

/** Runs of one step by one party, added up. */
export interface Step {
  readonly role: Role;
  readonly what: string;
  runs: number;
  elapsedMs: number;
}

/** Records a run of a protocol. */
export class Transcript {
  readonly traffic: Traffic[] = [];
  readonly steps: Step[] = [];

  /** Notes a message and hands it on: `receiver.accept(transcript.send("client", "server", …))`. */
  send(from: Role, to: Role, what: string, message: Uint8Array): Uint8Array {
    let entry = this.traffic.find((t) => t.from === from && t.to === to && t.what === what);
    if (!entry) this.traffic.push(entry = { from, to, what, messages: 0, sizeBytes: 0 });
    entry.messages++;
    entry.sizeBytes += message.length;
    return message;
  }

  /** Times a step and returns its result; of a promise, until it resolves, whatever runs beside it. */
  time<T>(role: Role, what: string, step: () => T): T {
    const start = performance.now();
    const result = step();
    const note = () => this.note(role, what, 1, performance.now() - start);
    if (result instanceof Promise) return result.then((value) => (note(), value)) as T;
    note();
    return result;
  }

  /** Notes runs of a step that was timed elsewhere. */
  note(role: Role, what: string, runs: number, elapsedMs: number): void {
    let entry = this.steps.find((s) => s.role === role && s.what === what);
    if (!entry) this.steps.push(entry = { role, what, runs: 0, elapsedMs: 0 });
    entry.runs += runs;
    entry.elapsedMs += elapsedMs;
  }
}
