/** `deno task test:lab`: the notebooks in the real front end, JupyterLab in Chromium. The tests are in
 * `tests/lab/front_end.ts`; their name keeps them out of the plain suite, for they take minutes.
 * @module */
import { runCommand } from "lib/tools/args.ts";
import { findChromium } from "./chromium.ts";
import { runTests, summaryLine } from "./suite.ts";
import { ensureVenv } from "lib/tools/lab.ts";

if (import.meta.main) {
  await runCommand({
    name: "test:lab",
    summary: "Runs the notebooks in JupyterLab, in Chromium, and looks at the page. Makes\n" +
      "screenshots in tests/lab/screenshots/. CHROMIUM may name the browser.",
    flags: {},
  }, async () => {
    findChromium();
    await ensureVenv();
    const { counts, success } = await runTests(["tests/lab/front_end.ts"]);
    console.log(summaryLine(counts, success));
    return success && counts.passed > 0 ? 0 : 1;
  });
}
