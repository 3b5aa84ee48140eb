/** A notebook's page in JupyterLab, as a person uses it: menus, buttons, keys, and what can be seen.
 * @module */
import type { Page } from "playwright-core";

/** One output as it stands on the page. */
export interface SeenOutput {
  /** The MIME type that JupyterLab chose to draw. */
  mime: string;
  text: string;
  /** The titles of live figures that are drawn. */
  figureTitles: string[];
  /** Whether all images have loaded; true when there is none. */
  imagesLoaded: boolean;
}

/** One cell as it stands on the page. */
export interface SeenCell {
  isCode: boolean;
  /** `[3]:`, `[*]:` while it waits or runs, `[ ]:` before. */
  prompt: string;
  outputs: SeenOutput[];
}

/** The plotly extension does not write its MIME type on the page; its class tells. */
const READ_CELLS = `[...document.querySelectorAll(".jp-Notebook .jp-Cell")].map((cell) => ({
  isCode: cell.classList.contains("jp-CodeCell"),
  prompt: cell.querySelector(".jp-InputPrompt")?.textContent.trim() ?? "",
  outputs: [...cell.querySelectorAll(".jp-OutputArea-child")].map((output) => ({
    mime: output.querySelector("[data-mime-type]")?.dataset.mimeType ??
      (output.querySelector(".jp-RenderedPlotly") ? "application/vnd.plotly.v1+json" : ""),
    text: output.innerText,
    figureTitles: [...output.querySelectorAll("svg.main-svg .gtitle")].map((t) => t.textContent),
    imagesLoaded: [...output.querySelectorAll("img")].every((img) => img.naturalWidth > 0),
  })),
}))`;

/** Whether the output is an error. */
export const isError = ({ mime }: SeenOutput): boolean => /vnd\.jupyter\.(error|stderr)/.test(mime);

/** Opens a notebook and waits until its kernel is ready. */
export async function openNotebookPage(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await untilIdle(page);
}

/** Waits until the status bar says that the kernel is there and idle. */
export async function untilIdle(page: Page): Promise<void> {
  await page.getByText("Deno | Idle").waitFor();
}

/** Run menu, Run All Cells. */
export async function runAll(page: Page): Promise<void> {
  await fromRunMenu(page, "runmenu:run-all");
}

/** Run menu, Run Selected Cell and All Below. */
export async function runFrom(page: Page, cell: number): Promise<void> {
  await page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-InputPrompt").click();
  await fromRunMenu(page, "notebook:run-all-below");
}

async function fromRunMenu(page: Page, command: string): Promise<void> {
  await page.locator(".lm-MenuBar-item", { hasText: /^Run$/ }).click();
  await page.locator(`.lm-Menu-item[data-command="${command}"]`).click();
  await page.locator(".jp-InputPrompt", { hasText: "[*]:" }).first().waitFor();
}

/** Whether no cell waits or runs. */
export const isAtRest = (cells: readonly SeenCell[]) =>
  cells.every(({ prompt }) => prompt !== "[*]:");

/** Runs one cell: a click into it, then Shift-Enter. */
export async function runCell(page: Page, index: number): Promise<void> {
  await page.locator(".jp-Notebook .jp-CodeCell").nth(index).locator(".cm-content").click();
  await page.keyboard.press("Shift+Enter");
}

/** Moves the mouse over each figure: the plotly extension shows the PNG until then, and draws the live
 * figure in its place. */
export async function hoverFigures(page: Page): Promise<void> {
  for (const figure of await page.locator(".jp-RenderedPlotly").all()) {
    await figure.hover({ position: { x: 20, y: 20 } }); // The widget is wider than its picture.
    await figure.locator("svg.main-svg").first().waitFor();
  }
}

/** The stop button of the notebook's toolbar. */
export async function pressStop(page: Page): Promise<void> {
  await page.locator(`[data-command="notebook:interrupt-kernel"]`).first().click();
}

/** What stands on the page now. */
export async function seenCells(page: Page): Promise<SeenCell[]> {
  return await page.evaluate(READ_CELLS);
}

/** Waits until `enough` holds of what stands on the page, looking five times a second.
 * @throws {Error} it did not within `timeoutMs`. */
export async function untilSeen(
  page: Page,
  what: string,
  timeoutMs: number,
  enough: (cells: SeenCell[]) => boolean,
): Promise<SeenCell[]> {
  const giveUp = performance.now() + timeoutMs;
  while (true) {
    const cells = await seenCells(page);
    if (enough(cells)) return cells;
    if (performance.now() > giveUp) {
      const prompts = cells.filter(({ isCode }) => isCode).map(({ prompt }) => prompt);
      throw new Error(`not seen in ${timeoutMs / 1000} s: ${what}; prompts ${prompts.join(" ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const SCROLL_TO_TOP_AND_MEASURE = `(() => {
  for (const area of document.querySelectorAll(".jp-WindowedPanel-outer")) area.scrollTop = 0;
  const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
  return cells.at(-1)?.getBoundingClientRect().bottom ?? 0;
})()`;

/** A picture of the whole notebook, the window made as tall as it is. */
export async function screenshot(page: Page, path: string): Promise<void> {
  const height: number = await page.evaluate(SCROLL_TO_TOP_AND_MEASURE);
  await page.setViewportSize({ width: 1400, height: Math.min(Math.ceil(height) + 100, 15_000) });
  await page.waitForTimeout(500);
  await page.screenshot({ path });
}
