/** The one look of every figure: white ground, thin light grid, one font, and the colour-blind-safe
 * palette of Okabe and Ito. Series differ in marker shape as well as in colour, so that a figure
 * survives a grey print.
 *
 * Builders are pure and know no canvas, so `textWidth` estimates widths from the proportions of the
 * bundled font (Inter). Margins and legends are laid out from it, in the browser and headless alike.
 * @module */

/** Inter is bundled for headless rendering; a browser without it falls back to its own sans. */
export const fontFamily = "Inter, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

export const fontSize = { title: 17, text: 14, small: 13 } as const;

export const colour = {
  text: "#222222",
  muted: "#5f6368",
  axis: "#9aa0a6",
  grid: "#eceef0",
  ground: "#ffffff",
  blank: "#f1f3f4",
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

/** Estimated width in pixels of one line of text in the theme's font (within about 10 %). */
export function textWidth(text: string, size: number): number {
  let em = 0;
  for (const char of text) {
    if (/[ijlIft.,:;'|!()[\]]/.test(char)) em += 0.33;
    else if (/[mwMW@%—…]/.test(char)) em += 0.92;
    else if (/[A-Z]/.test(char)) em += 0.71;
    else if (char === " ") em += 0.28;
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

/** A whole number with the one thousands separator of figures and tables: "1000", "60 000" (no-break spaces). */
export function grouped(value: number): string {
  return Math.abs(value) < 10_000
    ? String(value)
    : value.toLocaleString("en-US").replaceAll(",", "\u00a0");
}

/** Plain text as plotly's pseudo-HTML: nothing in it is read as markup, a newline breaks the line. */
export function plain(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll("\n", "<br>");
}
