/** The one look of every figure and table: white ground, thin light grid, one font, the colour-blind-safe
 * palette of Okabe and Ito, and one way to write numbers. Series differ in marker shape as well as in
 * colour, so that a figure survives a grey print.
 *
 * Builders are pure and know no canvas, so `textWidth` estimates widths from the proportions of the
 * bundled font (Inter). Margins and legends are laid out from it, in the browser and headless alike.
 * @module */

/** Inter is bundled for headless rendering; a browser without it falls back to its own sans. */
export const fontFamily = "Inter, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

/** CSS pixels. */
export const fontSize = { title: 17, text: 14, small: 13 } as const;

/** What means nothing is pure grey: text, axes, grounds. With grey images beside them, 256 shades do. */
export const colour = {
  text: "#222222",
  muted: "#626262",
  axis: "#9f9f9f",
  grid: "#ededed",
  ground: "#ffffff",
  blank: "#f2f2f2",
} as const;

/** One colour a series, in the order in which they tell apart best on white. */
export const palette = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#555555",
] as const;

/** One marker shape a series, parallel to `palette`. */
export const markers = [
  "circle",
  "square",
  "diamond",
  "triangle-up",
  "triangle-down",
  "x",
  "star",
] as const;

/** Colours from low to high for heat maps: equal steps of lightness (CIELAB) from almost white to navy
 * through the palette's blue, so that it reads without colour vision and in a grey print. */
export const sequentialScale = [
  "#dffdff",
  "#a6e8f9",
  "#70d0f2",
  "#3eb5e8",
  "#1799d8",
  "#117cc1",
  "#1f60a3",
  "#26467f",
  "#233056",
] as const;

/** The colour at a share from 0 to 1 of the way between two others, all "#rrggbb". */
export function mixed(from: string, to: string, share: number): string {
  const channels = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const ends = channels(to);
  return "#" +
    channels(from).map((value, i) =>
      Math.round(value + share * (ends[i] - value)).toString(16).padStart(2, "0")
    ).join("");
}

/** The colour at a share from 0 (low) to 1 (high) of the sequential scale. */
export function scaleColour(share: number): string {
  const at = share * (sequentialScale.length - 1);
  const below = Math.min(Math.floor(at), sequentialScale.length - 2);
  return mixed(sequentialScale[below], sequentialScale[below + 1], at - below);
}

/** White or dark, whichever contrasts more with a ground "#rrggbb"; both reach 4 : 1 where they meet. */
export function textColour(ground: string): string {
  const [r, g, b] = [1, 3, 5].map((i) => (parseInt(ground.slice(i, i + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.213 ? colour.ground : colour.text;
}

/** Separates thousands: U+202F, a narrow space at which no line breaks. */
export const narrowSpace = "\u202f";

/** A whole number with its thousands apart: "60 000". */
export function thousands(value: number): string {
  return value.toLocaleString("en-US").replaceAll(",", narrowSpace).replace("-", "−");
}

/** Ten to a power, "10⁻⁷", or a number before it, "2·10⁻⁷". */
export function powerText(exponent: number, factor = 1): string {
  const raised = String(exponent).replace(
    /./g,
    (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)],
  );
  return `${factor === 1 ? "" : `${factor}·`}10${raised}`;
}

/** A number to so many digits: "25 112", "0.0321", "1.2·10⁻⁴". Whole numbers below 10⁷ keep all theirs. */
export function numberText(value: number, digits = 3): string {
  const size = Math.abs(value);
  if (size >= 1e7 || (size > 0 && size < 1e-3)) {
    const [factor, exponent] = value.toExponential(Math.max(0, digits - 2)).split("e").map(Number);
    return powerText(exponent, factor).replace("-", "−");
  }
  if (Number.isInteger(value)) return thousands(value);
  const shown = size >= 10 ** digits ? Math.round(value) : +value.toPrecision(digits);
  return Number.isInteger(shown) ? thousands(shown) : String(shown).replace("-", "−");
}

/** Units of time, each in seconds and how many of them make the next. */
export const timeUnits = [
  { unit: "µs", seconds: 1e-6, next: 1000 },
  { unit: "ms", seconds: 1e-3, next: 1000 },
  { unit: "s", seconds: 1, next: 60 },
  { unit: "min", seconds: 60, next: 60 },
  { unit: "h", seconds: 3600, next: 24 },
  { unit: "days", seconds: 86_400, next: Infinity },
] as const;

/** A time in the unit in which it reads best: "4.1 ms", "95 s", "26 h", "3.1 days". */
export function durationText(seconds: number, digits = 2): string {
  const rounded = Number(seconds.toPrecision(digits)); // 999.6 µs is 1 ms
  const best = timeUnits.findLast((at) => rounded >= (at.seconds > 1 ? 2 : 1) * at.seconds);
  const { unit, seconds: one } = best ?? timeUnits[seconds === 0 ? 2 : 0];
  return `${numberText(seconds / one, digits)} ${unit}`;
}

/** Estimated width in pixels of one line of text in the theme's font (within about 10 %). */
export function textWidth(text: string, size: number): number {
  let em = 0;
  for (const char of text) {
    if (/[ijlIft.,:;'|!()[\]]/.test(char)) em += 0.33;
    else if (/[mwMW@%—…]/.test(char)) em += 0.92;
    else if (/[A-Z]/.test(char)) em += 0.71;
    else if (/[\s\u202f]/.test(char)) em += 0.28;
    else em += 0.61;
  }
  return em * size;
}

/** Width of the longest of several labels, each of which may have more than one line. */
export function widest(labels: readonly string[], size: number): number {
  return Math.max(
    0,
    ...labels.flatMap((label) => label.split("\n")).map((l) => textWidth(l, size)),
  );
}

/** Breaks a text between words into lines of at most `room` pixels; a longer word stays whole. */
export function wrapped(text: string, size: number, room: number): string[] {
  return text.split("\n").flatMap((line) =>
    line.split(" ").reduce<string[]>((lines, word) => {
      const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
      if (lines.length === 0 || textWidth(longer, size) > room) return [...lines, word];
      return [...lines.slice(0, -1), longer];
    }, [])
  );
}

/** Text as HTML in which nothing is read as markup. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("\n", "<br>");
}

/** The same for plotly, which knows `&quot;` as no more than these six characters. */
export function plain(text: string): string {
  return escapeHtml(text).replaceAll("&quot;", '"');
}
