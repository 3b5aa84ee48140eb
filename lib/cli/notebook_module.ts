/** A notebook's code cells as one TypeScript module, with the way back from its lines to the cells: so
 * the type checker and the linter, which cannot read .ipynb, see the notebook as the kernel runs it.
 * A name declared twice is legal in the kernel; in the module it is an error, and we want it to be one.
 * @module */
import { codeCells, type Ipynb } from "./ipynb.ts";

/** Where a cell's last statement begins, when it is a bare expression. Both count from 1. */
export interface Trailing {
  number: number;
  line: number;
  column: number;
}

/** A place in a notebook; the column counts from 1. */
export interface CellPlace {
  number: number;
  line: number;
  column: number;
  /** The place is a cell's last expression as a whole, whose value the kernel would display. */
  trailing: boolean;
}

/** Module text and its map. */
export interface NotebookModule {
  text: string;
  locate(line: number, column: number): CellPlace;
}

/** Concatenates the code cells. Each expression in `trailing` becomes the value of a constant of type
 * `void`: the type checker then refuses what the kernel would display, and lets `await nb.show(…)` be. */
export function notebookModule(
  notebook: Ipynb,
  trailing: readonly Trailing[] = [],
): NotebookModule {
  const lines: string[] = [];
  const places: { number: number; line: number; inserted: number; at: number }[] = [];
  for (const { cell, number } of codeCells(notebook)) {
    const last = trailing.find((one) => one.number === number);
    for (const [index, text] of cell.source.split("\n").entries()) {
      const isLast = last?.line === index + 1;
      const insert = isLast ? `export const cell${number}: void = ` : "";
      const at = isLast ? last.column - 1 : 0;
      lines.push(text.slice(0, at) + insert + text.slice(at));
      places.push({ number, line: index + 1, inserted: insert.length, at });
    }
  }
  return {
    text: lines.join("\n") + "\n",
    locate(line, column) {
      const { number, line: inCell, inserted, at } = places[Math.min(line, places.length) - 1];
      const past = column - 1 - at;
      const isInserted = past >= 0 && past < inserted;
      const back = isInserted ? past : past >= inserted ? inserted : 0;
      return { number, line: inCell, column: column - back, trailing: isInserted };
    },
  };
}
