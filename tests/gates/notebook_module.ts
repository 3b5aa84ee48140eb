/** A notebook's code cells as one TypeScript module, with the way back from its lines to the cells: so
 * the type checker and the linter, which cannot read .ipynb, see the notebook as the kernel runs it.
 * A name declared twice is legal in the kernel; in the module it is an error, and we want it to be one.
 * @module */
import { codeCells, type Ipynb } from "lib/tools/ipynb.ts";

/** Where an expression begins whose value may become the cell's. Both count from 1. */
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
  /** The place is such an expression as a whole, and the kernel would display its value. */
  trailing: boolean;
}

/** Module text and its map. */
export interface NotebookModule {
  text: string;
  locate(line: number, column: number): CellPlace;
}

/** Stands before an expression in `trailing`. */
const ASSIGN = "cellValue = ";

/** Concatenates the code cells. Each expression in `trailing` is assigned to a variable of type `void`: the type
 * checker then refuses what the kernel would display, and lets `await nb.show(…)` be. */
export function notebookModule(
  notebook: Ipynb,
  trailing: readonly Trailing[] = [],
): NotebookModule {
  const lines: string[] = [];
  const places: { number: number; line: number; inserts: number[] }[] = [];
  for (const { cell, number } of codeCells(notebook)) {
    for (const [index, text] of cell.source.split("\n").entries()) {
      const inserts = trailing.filter((one) => one.number === number && one.line === index + 1)
        .map(({ column }) => column - 1).sort((a, b) => a - b);
      const parts = [0, ...inserts].map((from, k) => text.slice(from, inserts[k]));
      lines.push(parts.join(ASSIGN));
      places.push({ number, line: index + 1, inserts });
    }
  }
  if (trailing.length > 0) lines.push("declare let cellValue: void;");
  return {
    text: lines.join("\n") + "\n",
    locate(line, column) {
      const { number, line: inCell, inserts } = places[Math.min(line, places.length) - 1];
      const starts = inserts.map((at, k) => at + 1 + k * ASSIGN.length);
      const before = starts.filter((start) => start <= column);
      const past = before.length > 0 ? column - before.at(-1)! : ASSIGN.length;
      const isInserted = past < ASSIGN.length;
      const back = before.length * ASSIGN.length - (isInserted ? ASSIGN.length - past : 0);
      return { number, line: inCell, column: column - back, trailing: isInserted };
    },
  };
}
