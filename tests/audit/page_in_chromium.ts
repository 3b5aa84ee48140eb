/** The page of an audit in Chromium, on a phone, a tablet and a desk, light and dark, and on paper: nothing overflows, and
 * nothing is asked of anybody. `deno task test:lab` runs this, as it needs the browser; what was asserted is kept in
 * `screenshots/`, to be looked at.
 * @module */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { auditPage } from "lib/audit/page.ts";
import { CHROMIUM_ARGUMENTS, findChromium } from "../gates/chromium.ts";
import { colourAudit, digitsAudit, tableAudit } from "./fixtures.ts";

const SCREENSHOTS = join(import.meta.dirname!, "screenshots");
const AUDITS = { digits: digitsAudit(), colour: colourAudit(), table: tableAudit() };
const WIDTHS = [360, 768, 1280];

let browser: Browser | undefined;

Deno.test.beforeAll(async () => {
  await Deno.remove(SCREENSHOTS, { recursive: true }).catch(() => {});
  await Deno.mkdir(SCREENSHOTS);
  for (const [name, audit] of Object.entries(AUDITS)) {
    await Deno.writeTextFile(join(SCREENSHOTS, `${name}.html`), auditPage(audit));
  }
  browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_ARGUMENTS],
  });
});

Deno.test.afterAll(async () => {
  await browser?.close();
});

/** A page that says what went wrong on it. */
async function openPage(name: string, width: number, colorScheme: "light" | "dark") {
  const page = await browser!.newPage({ viewport: { width, height: 800 }, colorScheme });
  const said: string[] = [], asked: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  const url = pathToFileURL(join(SCREENSHOTS, `${name}.html`)).href;
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) asked.push(request.url());
  });
  await page.goto(url, { waitUntil: "load" });
  return { page, said, asked };
}

/** What stands out of its place: beyond the window, where nothing scrolls; and pictures that are not drawn. */
const OUT_OF_PLACE = `(() => {
  const wide = document.documentElement.scrollWidth, room = document.documentElement.clientWidth;
  const found = wide > room ? [\`the page is \${wide} wide in \${room}\`] : [];
  for (const element of document.querySelectorAll("body *")) {
    const { left, right, width } = element.getBoundingClientRect();
    if (width <= 1 || element.parentElement.closest(".scroll")) continue; // hidden; scrolls in its own box
    const out = left < -0.5 || right > room + 0.5;
    if (out) found.push(\`\${element.tagName} \${element.className}: \${left} to \${right}\`);
  }
  for (const image of document.images) {
    if (!image.complete || image.naturalWidth === 0) found.push("not drawn: " + image.alt);
  }
  return found;
})()`;

const outOfPlace = (page: Page): Promise<string[]> => page.evaluate(OUT_OF_PLACE);

for (const name of Object.keys(AUDITS)) {
  Deno.test({
    name:
      `auditPage() of ${name} fits each window, light and dark, says nothing and asks for nothing`,
    sanitizeOps: false, // the browser lives on between the tests
    sanitizeResources: false,
    async fn() {
      for (const width of WIDTHS) {
        for (const mode of ["light", "dark"] as const) {
          const { page, said, asked } = await openPage(name, width, mode);
          const found = await outOfPlace(page);
          await page.screenshot({
            path: join(SCREENSHOTS, `${name}-${width}-${mode}.png`),
            fullPage: true,
          });
          assertEquals([found, said, asked], [[], [], []], `${width} px, ${mode}`);
          await page.close();
        }
      }
      const { page, said, asked } = await openPage(name, 680, "dark"); // A4 less its margins
      await page.emulateMedia({ media: "print" });
      await page.screenshot({ path: join(SCREENSHOTS, `${name}-print.png`), fullPage: true });
      await page.pdf({ path: join(SCREENSHOTS, `${name}.pdf`), preferCSSPageSize: true });
      assertEquals([await outOfPlace(page), said, asked], [[], [], []], "print");
      await page.close();
    },
  });
}
