/** A protocol's run, as its transcript measured it: steps of a sequence diagram with bytes and times.
 * @module */
import type { Role, Transcript } from "../net/transcript.ts";
import type { Message, Work } from "../plot/sequence.ts";

/** Bytes in words: "480 B", "942 kB", "1.9 MB", "9.1 GB". */
export function bytesText(bytes: number): string {
  if (bytes < 1e3) return `${bytes.toFixed(0)} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Seconds in words: "0.4 ms", "12 s", "3.5 min", "17 h", "5.2 days". */
export function secondsText(seconds: number): string {
  const [size, unit] = seconds < 1
    ? [1e-3, "ms"]
    : seconds < 60
    ? [1, "s"]
    : seconds < 3600
    ? [60, "min"]
    : seconds < 2 * 86400
    ? [3600, "h"]
    : [86400, "days"];
  const value = seconds / size;
  return `${value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}

const times = (n: number) => n === 1 ? "once" : `${n} times`;

/** A message of the transcript as an arrow, with its size and how often it was sent.
 * @param label what stands above the arrow, the transcript's own word by default.
 * @throws {RangeError} the transcript has no such message. */
export function sent(
  { traffic }: Transcript,
  [from, to]: readonly [Role, Role],
  what: string,
  label: string = what,
): Message {
  const found = traffic.find((t) => t.from === from && t.to === to && t.what === what);
  if (found === undefined) throw new RangeError(`Cannot find "${what}" from ${from} to ${to}`);
  const { messages, sizeBytes } = found;
  const detail = `${bytesText(sizeBytes / messages)}, ${times(messages)}`;
  return { kind: "message", from, to, label, detail };
}

/** A step of the transcript as work on a lifeline, with its mean time.
 * @throws {RangeError} the transcript has no such step. */
export function worked(
  { steps }: Transcript,
  at: Role,
  what: string,
  label: string = what,
): Work {
  const found = steps.find((s) => s.role === at && s.what === what);
  if (found === undefined) throw new RangeError(`Cannot find the step "${what}" of ${at}`);
  const { runs, elapsedMs } = found;
  const each = secondsText(elapsedMs / runs / 1000);
  return { kind: "work", at, label, detail: runs === 1 ? each : `${each}, ${times(runs)}` };
}
