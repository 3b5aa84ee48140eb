/** How long a reader must read: lines of code and words of prose in the notebooks, held to what lets a cell be
 * taken in at one glance.
 * @module */
import { codeCells, type Ipynb } from "lib/tools/ipynb.ts";

/** Lines of a cell: none longer, half of them no longer; lines in all eleven notebooks, under 200 each in the mean (a
 * notebook more, on other encryptions, raised it from 1,800); words of prose per line. */
export const SIZE_LIMITS = { longest: 25, median: 10, lines: 2000, wordsPerLine: 4 };

/** What is counted of one notebook, or of all. */
export interface NotebookSizes {
  /** Lines of each code cell. */
  cells: number[];
  /** Words of its Markdown. */
  words: number;
}

/** Counts a notebook. Empty code cells do not count. */
export function notebookSizes(notebook: Ipynb): NotebookSizes {
  const cells = codeCells(notebook).map(({ cell }) => cell.source.trimEnd().split("\n").length);
  const prose = notebook.cells.filter(({ cell_type }) => cell_type === "markdown");
  const words = prose.map(({ source }) => source.split(/\s+/).filter((word) => word !== "").length);
  return { cells, words: words.reduce((a, b) => a + b, 0) };
}

const linesOf = ({ cells }: NotebookSizes) => cells.reduce((a, b) => a + b, 0);

/** The lower median; 0 of no cells. */
function median(cells: readonly number[]): number {
  return cells.toSorted((a, b) => a - b)[(cells.length - 1) >> 1] ?? 0;
}

/** The figures in one line. */
export function sizesText(sizes: NotebookSizes): string {
  const { cells, words } = sizes;
  const lines = linesOf(sizes);
  return `${cells.length} cells, ${lines} lines, median ${median(cells)}, longest ` +
    `${Math.max(0, ...cells)}, ${(words / Math.max(lines, 1)).toFixed(1)} words per line`;
}

/** What is over its limit in all notebooks together, and in each. @returns one line for each problem. */
export function sizeProblems(notebooks: ReadonlyMap<string, NotebookSizes>): string[] {
  const { longest, median: middle, lines, wordsPerLine } = SIZE_LIMITS;
  const all = [...notebooks.values()];
  const total = { cells: all.flatMap(({ cells }) => cells), words: 0 };
  const problems = [...notebooks].flatMap(([name, sizes]) => {
    const most = Math.max(0, ...sizes.cells);
    return [
      ...most > longest ? [`${name}: a code cell of ${most} lines, at most ${longest}`] : [],
      ...sizes.words < wordsPerLine * linesOf(sizes)
        ? [`${name}: under ${wordsPerLine} words of prose per line of code`]
        : [],
    ];
  });
  if (median(total.cells) > middle) {
    problems.push(`code cells have ${median(total.cells)} lines in the median, at most ${middle}`);
  }
  if (linesOf(total) > lines) {
    problems.push(`the notebooks have ${linesOf(total)} lines of code, at most ${lines}`);
  }
  return problems;
}
