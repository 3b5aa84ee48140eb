/** A protocol's run as a sequence diagram, with the bytes and times that its transcript measured.
 * @module */
import type { Role, Transcript } from "../net/transcript.ts";
import type { Figure, FigureText } from "../plot/figure.ts";
import { sequenceFigure, type SequenceStep } from "../plot/sequence.ts";
import { durationText, thousands } from "../plot/theme.ts";

/** Bytes in words: "480 B", "942 kB", "1.9 MB", "9.1 GB". */
export function bytesText(bytes: number): string {
  if (bytes < 1e3) return `${bytes.toFixed(0)} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** What is drawn: a message, `["client → server", "labels"]`, or work, `["client", "setup"]`, in the transcript's
 * words, with what the figure says in their place; or steps that repeat. */
export type Drawn =
  | readonly [who: Role | `${Role} → ${Role}`, what: string, label?: string]
  | { readonly each: string; readonly steps: readonly Drawn[] };

/** What a transcript measured. */
export type Measured = Pick<Transcript, "traffic" | "steps">;

const times = (n: number) => n === 1 ? "once" : `${thousands(n)} times`;

function measured(transcript: Measured, drawn: Drawn): SequenceStep {
  if ("each" in drawn) {
    const inner = drawn.steps.map((step) => measured(transcript, step));
    return { kind: "group", label: drawn.each, steps: inner };
  }
  const [who, what, label = what] = drawn;
  const [from, to] = who.split(" → ");
  if (to === undefined) {
    const found = transcript.steps.find((s) => s.role === from && s.what === what);
    if (found === undefined) throw new RangeError(`Cannot find the step "${what}" of ${who}`);
    const { runs, elapsedMs } = found;
    const time = durationText(elapsedMs / runs / 1000);
    return { kind: "work", at: from, label, detail: runs === 1 ? time : `${time}, ${times(runs)}` };
  }
  const found = transcript.traffic.find((t) => t.from === from && t.to === to && t.what === what);
  if (found === undefined) throw new RangeError(`Cannot find "${what}" from ${from} to ${to}`);
  const { messages, sizeBytes } = found;
  const detail = `${bytesText(sizeBytes / messages)}, ${times(messages)}`;
  return { kind: "message", from, to, label, detail };
}

/** Draws a run: of each message its mean size, of each step of work its mean time, and how often.
 * @param roles from left to right.
 * @throws {RangeError} the transcript has no such message or step. */
export function sequenceOf(
  transcript: Measured,
  { roles, steps, ...text }: FigureText & {
    readonly roles: readonly Role[];
    readonly steps: readonly Drawn[];
  },
): Figure {
  return sequenceFigure({
    ...{ ...text, roles, steps: steps.map((step) => measured(transcript, step)) },
  });
}
