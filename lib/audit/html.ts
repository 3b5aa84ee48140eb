/** HTML in which no text is read as markup: what stands in a template is escaped unless it is HTML already. File names
 * come from strangers, so this is the rule and not a call that may be forgotten.
 * @module */
import { escapeHtml } from "../plot/theme.ts";

/** Markup that `html` made. */
export class Html {
  constructor(readonly text: string) {}
}

/** What may stand in a template: texts, which are escaped, markup, lists of either; null is nothing. */
export type Content = Html | string | number | null | readonly Content[];

/** Characters that steer a screen instead of standing on it: controls, and those that turn the direction of what
 * follows, with which a file's name can show another ending than it has. */
// deno-lint-ignore no-control-regex
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text in one line, in which each character that steers is shown as U+FFFD. */
export function printable(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replace(STEERING, "\ufffd");
}

function markup(content: Content): string {
  if (content === null) return "";
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(markup).join("");
  return escapeHtml(printable(String(content)));
}

/** Tag of a template: HTML, its values escaped. An attribute's value stands in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(parts.reduce((text, part, i) => text + markup(values[i - 1]) + part));
}
