/** Numbers in words, as tables, captions and headlines write them.
 * @module */
import { grouped } from "../notebook/table.ts";

/** A share as "97.14 %". */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** Bytes as "180 B", "40 kB", "9.4 MB" or "22.9 GB". */
export function sizeText(sizeBytes: number): string {
  if (sizeBytes < 1e3) return `${sizeBytes.toFixed(0)} B`;
  if (sizeBytes < 1e6) return `${(sizeBytes / 1e3).toFixed(0)} kB`;
  if (sizeBytes < 1e9) return `${(sizeBytes / 1e6).toFixed(1)} MB`;
  return `${(sizeBytes / 1e9).toFixed(1)} GB`;
}

/** Units of time, in seconds, with the largest value that each is used for. */
const UNITS = [["ms", 1e-3, 1000], ["s", 1, 120], ["minutes", 60, 120], [
  "hours",
  3600,
  72,
]] as const;

/** A time in the unit that reads best: "84 ms", "27 s", "61 hours", "91 days". */
export function timeText(seconds: number): string {
  const [name, unit] = UNITS.find(([, unit, most]) => seconds < unit * most) ?? ["days", 86400];
  const value = seconds / unit;
  return `${value < 9.95 ? value.toFixed(1) : grouped(Math.round(value))} ${name}`;
}

/** An error as "0.128", or "3·10⁻⁷" where three decimals would show nothing. */
export function errorText(value: number): string {
  if (value === 0) return "0";
  if (value >= 0.0005) return value.toFixed(3);
  const [digits, exponent] = value.toExponential(0).split("e-");
  return `${digits}·10⁻${[...exponent].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}
