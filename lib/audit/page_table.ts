/** Tables of an audit's page: each scrolls in a box of its own where a window is narrow.
 * @module */
import { type Content, type Html, html } from "./html.ts";

/** A table's words and rows. */
export interface PageTable {
  /** What it shows; stands above it unless a heading says the same. */
  readonly label: string;
  readonly isCaptioned?: boolean;
  /** Its class in the style sheet. */
  readonly look?: string;
  readonly columns: readonly string[];
  /** Rows that `tableRow` made. */
  readonly rows: readonly Html[];
}

/** A row: its head, then cells. @param look its class in the style sheet. */
export function tableRow(head: Content, cells: readonly Content[], look = ""): Html {
  return html`
    <tr class="${look}">
      <th scope="row">${head}</th>
      ${cells.map((cell) => html`<td>${cell}</td>`)}
    </tr>
  `;
}

/** The table in its box, which keys can scroll in each browser. */
export function pageTable(
  { label, isCaptioned = false, look = "", columns, rows }: PageTable,
): Html {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="${label}">
      <table class="${look}">
        ${isCaptioned ? html`<caption>${label}</caption>` : null}
        <thead>
          <tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr>
        </thead>
        <tbody>${rows}</tbody>
      </table>
    </div>
  `;
}
