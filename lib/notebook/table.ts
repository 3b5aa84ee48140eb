/** Tables and texts as notebook outputs: HTML or Markdown, and aligned plain text for the terminal.
 * @module */

import { escapeHtml, numberText, thousands } from "../plot/theme.ts";

/** What stands in a cell; null is nothing. */
export type Cell = string | number | null;

/** A table; `table()` makes and checks it. */
export interface Table {
  kind: "table";
  title?: string;
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** A text in Markdown. */
export interface Markdown {
  kind: "markdown";
  text: string;
}

/** A table; null is an empty cell. @throws {TypeError} no or duplicate columns, a row of another length. */
export function table(options: Omit<Table, "kind">): Table {
  const { columns, rows } = options;
  if (columns.length === 0) throw new TypeError("Cannot make table: no columns");
  columns.forEach((column, i) => {
    if (columns.indexOf(column) !== i) {
      throw new TypeError(`Cannot make table: column "${column}" appears twice`);
    }
  });
  rows.forEach((row, i) => {
    if (row.length !== columns.length) {
      throw new TypeError(
        `Cannot make table: row ${i} has ${row.length} cells, expected ${columns.length}`,
      );
    }
  });
  return { kind: "table", ...options };
}

/** A text in Markdown. */
export function markdown(text: string): Markdown {
  return { kind: "markdown", text };
}

function cellText(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "string") return cell;
  return Number.isInteger(cell) ? thousands(cell) : numberText(cell, 4);
}

/** A column of numbers ("0.14", "≤ 3 ms", 12) is set flush right. */
function isNumeric({ rows }: Table, column: number): boolean {
  const cells = rows.map((row) => cellText(row[column])).filter((text) => text !== "");
  return cells.length > 0 && cells.every((text) => /^[-+−±~≈<>≤≥]?\s*[\d∞]/.test(text));
}

// Colours follow the front end's theme; alignment stands on the cells, for viewers that strip styles.
const style = `<style>
table.fe-table { border-collapse: collapse; font-size: 13px; margin: 4px 0; }
table.fe-table caption { text-align: left; font-weight: 600; padding: 4px 0; caption-side: top; }
table.fe-table th, table.fe-table td { padding: 4px 14px 4px 0; border: 0; background: none; }
table.fe-table th { font-weight: 600; border-bottom: 1px solid currentColor; }
table.fe-table tr + tr td { border-top: 1px solid rgba(128, 128, 128, 0.25); }
</style>`;

/** The table as HTML; every text is escaped. */
export function tableHtml(source: Table): string {
  const { title, columns, rows } = source;
  const align = columns.map((_, i) => isNumeric(source, i) ? "right" : "left");
  const line = (tag: string, cells: readonly Cell[]) =>
    `<tr>${
      cells.map((cell, i) =>
        `<${tag} align="${align[i]}" style="text-align:${align[i]}">` +
        `${escapeHtml(cellText(cell))}</${tag}>`
      ).join("")
    }</tr>`;
  const caption = title === undefined ? "" : `<caption>${escapeHtml(title)}</caption>`;
  return `${style}<table class="fe-table">${caption}<thead>${line("th", columns)}</thead>` +
    `<tbody>${rows.map((row) => line("td", row)).join("")}</tbody></table>`;
}

/** The table as text, columns aligned by spaces. */
export function tableText(source: Table): string {
  const { title, columns, rows } = source;
  const cells = [columns, ...rows].map((row) =>
    row.map((cell) => cellText(cell).replaceAll("\n", " "))
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => [...row[i]].length)));
  const lines = cells.map((row) =>
    row.map((text, i) => {
      const pad = " ".repeat(widths[i] - [...text].length);
      return isNumeric(source, i) ? pad + text : text + pad;
    }).join("  ").trimEnd()
  );
  lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  return [...(title === undefined ? [] : [title]), ...lines].join("\n");
}
