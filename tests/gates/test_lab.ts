/** `deno task test:lab`: what is seen in Chromium: the notebooks in the real front end, JupyterLab, and an audit's page.
 * The tests are in `tests/lab/front_end.ts` and `tests/audit/page_in_chromium.ts`; their names keep them out of the
 * plain suite, which needs no browser.
 * @module */
import { runCommand } from "lib/tools/args.ts";
import { findChromium } from "./chromium.ts";
import { runTests, summaryLine } from "./suite.ts";
import { ensureVenv } from "lib/tools/lab.ts";

if (import.meta.main) {
  await runCommand({
    name: "test:lab",
    summary:
      "Runs the notebooks in JupyterLab, in Chromium, looks at the page, and at that of an\n" +
      "audit. Screenshots: tests/lab/screenshots/, tests/audit/screenshots/. CHROMIUM may\n" +
      "name the browser.",
    flags: {},
  }, async () => {
    findChromium();
    await ensureVenv();
    const { counts, success } = await runTests([
      "tests/audit/page_in_chromium.ts",
      "tests/lab/front_end.ts",
    ]);
    console.log(summaryLine(counts, success));
    return success && counts.passed > 0 ? 0 : 1;
  });
}
