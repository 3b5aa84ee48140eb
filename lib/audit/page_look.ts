/** The colours of an audit's page, light from the theme of the figures, and dark. Each text colour reaches a contrast of
 * 4.5 : 1 on both grounds of its mode.
 * @module */
import { colour, fontFamily, mixed, palette } from "../plot/theme.ts";
import css from "./page.css" with { type: "text" };

const [blue, vermillion, green, , , sky] = palette;

/** CSS variables of each mode: texts, grounds, lines, and what marks a leak, a likeness, and none. */
export const PAGE_COLOURS = {
  light: {
    text: colour.text,
    muted: colour.muted,
    ground: colour.ground,
    panel: mixed(colour.ground, colour.blank, 0.7),
    line: mixed(colour.grid, colour.axis, 0.3),
    link: mixed(blue, "#000000", 0.1),
    leak: mixed(vermillion, "#000000", 0.25),
    none: mixed(green, "#000000", 0.3),
  },
  dark: {
    text: "#e8e8e8",
    muted: "#b0b0b0",
    ground: "#181818",
    panel: "#242424",
    line: "#4a4a4a",
    link: sky,
    leak: mixed(vermillion, "#ffffff", 0.4),
    none: mixed(green, "#ffffff", 0.4),
  },
} as const;

function variables(colours: Readonly<Record<string, string>>): string {
  return Object.entries(colours).map(([name, value]) => `--${name}: ${value};`).join(" ");
}

/** The style sheet. Dark is for screens alone: a print is light. */
export function pageStyle(): string {
  return `:root { ${variables(PAGE_COLOURS.light)} --font: ${fontFamily}; }
@media screen and (prefers-color-scheme: dark) { :root { ${variables(PAGE_COLOURS.dark)} } }
${css}`;
}
