/** The steps of a sequence diagram from a transcript: who, how many bytes, how long, as measured.
 * @module */
import type { Transcript } from "../net/transcript.ts";
import type { SequenceStep } from "../plot/sequence_layout.ts";
import { grouped } from "../notebook/table.ts";
import { sizeText } from "./words.ts";

/** Makes the steps of one transcript; each looks up sender, receiver or worker by what was noted.
 * @throws (from the makers) {RangeError} nothing of that name was noted. */
export function measured({ traffic, steps }: Transcript): {
  /** A message, with its size and how often it was sent. */
  message(label: string, what: string): SequenceStep;
  /** Local work, with the mean time of a run. @param per of what that time is: "per sample". */
  work(label: string, what: string, per?: string): SequenceStep;
} {
  const find = <T extends { readonly what: string }>(list: readonly T[], what: string): T => {
    const found = list.find((entry) => entry.what === what);
    if (found) return found;
    const noted = list.map((entry) => entry.what).join(", ");
    throw new RangeError(`Cannot draw "${what}": the transcript has ${noted || "nothing"}`);
  };
  return {
    message(label, what) {
      const { from, to, messages, sizeBytes } = find(traffic, what);
      const times = messages === 1 ? "once" : `${grouped(messages)} times`;
      const detail = `${sizeText(sizeBytes / messages)}, ${times}`;
      return { kind: "message", from, to, label, detail };
    },
    work(label, what, per = "") {
      const { role, runs, elapsedMs } = find(steps, what);
      return {
        kind: "work",
        at: role,
        label,
        detail: `${(elapsedMs / runs).toFixed(1)} ms ${per}`,
      };
    },
  };
}

/** Steps in a frame: "every batch of 20". */
export function repeated(label: string, steps: readonly SequenceStep[]): SequenceStep {
  return { kind: "group", label, steps };
}
