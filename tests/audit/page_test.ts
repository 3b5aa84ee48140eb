import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import type { Audit } from "lib/audit/findings.ts";
import { auditPage } from "lib/audit/page.ts";
import { PAGE_COLOURS } from "lib/audit/page_look.ts";
import { seededRng } from "lib/math/rng.ts";
import { audit, colourAudit, digitsAudit, finding, HOSTILE, tableAudit } from "./fixtures.ts";

const AUDITS: Record<string, Audit> = {
  digits: digitsAudit(),
  colour: colourAudit(),
  table: tableAudit(),
  empty: audit({ notTried: [], notes: [], threat: [], subject: [] }),
};
const PAGES = Object.entries(AUDITS).map(([name, of]) => [name, auditPage(of)] as const);

const all = (page: string, pattern: RegExp) => [...page.matchAll(pattern)].map((match) => match[1]);

/** The audit with another text wherever a text is free. */
function reworded(of: Audit, word: string): Audit {
  const fixed = ["schema", "scheme", "kind", "outcome"];
  const names = new Map<string, string>();
  const walk = (value: unknown, key = ""): unknown => {
    if (typeof value === "string") {
      if (fixed.includes(key)) return value;
      if (key !== "name" && key !== "attack") return word;
      if (!names.has(value)) names.set(value, `${word}${names.size}`); // the verdict names an attack
      return names.get(value);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item));
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([k, v], i) => [key === "numbers" ? `${word}${i}` : k, walk(v, k)]),
    );
  };
  return walk(of) as Audit;
}

Deno.test("auditPage() shows any text as text: hostile ones leave the markup as harmless ones do", () => {
  const tags = (word: string) => auditPage(reworded(digitsAudit(), word)).match(/<[^>]*>/g)!;
  const skeleton = (word: string) =>
    tags(word).map((tag) => tag.replaceAll(/(alt|style|width|aria-label|data-label)="[^"]*"/g, ""));
  assertEquals(skeleton(HOSTILE), skeleton("harmless"));
  const page = auditPage(reworded(colourAudit(), HOSTILE));
  assertStringIncludes(page, "&lt;script&gt;alert(1)&lt;/script&gt;");
  assertEquals(
    all(page, /<img ([^>]{26})/g).filter((at) => at !== 'src="data:image/png;base64'),
    [],
  );
});

Deno.test("auditPage() has no script, no address, and a policy that forbids both", () => {
  for (const [name, page] of PAGES) {
    for (const forbidden of [/<script/i, /https?:\/\//i, /url\(/i, /@import/i, /\son\w+="/i]) {
      assertEquals(page.match(forbidden)?.[0], undefined, `${name}: ${forbidden}`);
    }
    assertStringIncludes(
      page,
      `content="default-src 'none'; img-src data:; style-src 'unsafe-inline';`,
    );
    assertStringIncludes(page, '<html lang="en">');
  }
});

Deno.test("auditPage() closes what it opens", () => {
  const empty = ["!doctype", "meta", "link", "img"];
  for (const [name, page] of PAGES) {
    const open: string[] = [];
    for (const [, close, tag] of page.toLowerCase().matchAll(/<(\/?)(!?[a-z][a-z0-9]*)[^>]*>/g)) {
      if (empty.includes(tag)) continue;
      if (close === "") open.push(tag);
      else assertEquals(open.pop(), tag, `${name}: what </${tag}> closes`);
    }
    assertEquals(open, [], name);
  }
});

Deno.test("auditPage() has one h1, leaves out no level, and its links and ids meet", () => {
  for (const [name, page] of PAGES) {
    const levels = all(page, /<h([1-6])/g).map(Number);
    assertEquals(levels.filter((level) => level === 1), [1], name);
    levels.forEach((level, i) => assert(level <= (levels[i - 1] ?? 0) + 1, `${name}: h${level}`));
    const ids = all(page, / id="([^"]*)"/g);
    assertEquals(new Set(ids).size, ids.length, name);
    for (const href of all(page, /href="#([^"]*)"/g)) {
      assert(ids.includes(href), `${name}: #${href}`);
    }
  }
});

Deno.test("auditPage() names each cell's column or row, and each picture", () => {
  for (const [name, page] of PAGES) {
    const heads = page.match(/<th\b[^>]*>/g) ?? [], pictures = page.match(/<img\b[^>]*>/g) ?? [];
    assertEquals(heads.filter((tag) => !/ scope="(col|row)"/.test(tag)), [], name);
    assertEquals(pictures.filter((tag) => !/ alt="[^"]+"/.test(tag)), [], name);
    assertEquals(pictures.filter((tag) => !/ width="\d+" height="\d+"/.test(tag)), [], name);
  }
});

Deno.test("auditPage() gives each attack a row and a section: what came, what is assumed, what stops it", () => {
  for (const [name, page] of PAGES) {
    const { attacks } = AUDITS[name];
    assertEquals(page.match(/<section class="attack"/g)?.length ?? 0, attacks.length, name);
    assertEquals(page.match(/<th role="rowheader"/g)?.length ?? 0, attacks.length, name);
  }
  const [, page] = PAGES[0];
  const [first] = page.split('<section class="attack"').slice(1);
  for (
    const text of [
      "Linear program, TV + ½·Σx",
      "All ten images follow from W1 and z1 = W1·x, exactly.",
      "The server knows W1, as CryptoNN's server does",
      "What stops it: keep the first layer at 212 units or fewer",
      "PSNR, dB</dt>",
      "14 s",
      "width: 30.0%",
      "97.1 %",
      "95.7 %",
      "10.9 s",
      "24\u202f640 B",
    ]
  ) assertStringIncludes(first, text);
  assertStringIncludes(page.split('<section class="attack"')[2], "not measured");
});

Deno.test("auditPage() says first what an attacker gets, and what a failed attack does not prove", () => {
  const [digits, , rows] = PAGES.map(([, page]) => page);
  assertLess(
    digits.indexOf("<h1>Every one of the 10 private images is recovered exactly"),
    digits.indexOf("<h2>"),
  );
  assertLess(digits.indexOf("Leaks found</span>"), digits.indexOf("<h2>"));
  assertLess(digits.indexOf("train under mitig3 with σ 0.7 (test"), digits.indexOf("<h2>"));
  assertStringIncludes(rows, "<h1>Nothing beyond the labels found.</h1>");
  assertStringIncludes(rows, "<p>Tried: blind alignment. Not tried: gradient, decoder.</p>");
  assertLess(rows.indexOf("proves nothing about others"), rows.indexOf("<h2>"));
  assert(!digits.includes("proves nothing about others"));
  for (const page of [digits, rows]) assertStringIncludes(page, "A failed attack proves nothing.");
  assertStringIncludes(digits, "<code>--insecure-seed 7</code>");
});

Deno.test("auditPage() draws what is there, and says what is not", () => {
  const images = (page: string) => page.match(/<img /g)?.length ?? 0;
  const [digits, colour, rows] = PAGES.map(([, page]) => page);
  assertEquals(images(digits), 20 + 3 * 20 + 10); // the verdict's; one attack made nothing
  assertEquals(digits.match(/<span class="blank">nothing/g)?.length, 10);
  assertEquals(colour.match(/<span class="blank">not given/g)?.length, 20);
  assertStringIncludes(
    colour,
    "Shown are 10 of 1\u202f200. Beside this page, in pictures/, are 12.",
  );
  assertEquals(colour.match(/<dd>not known</g)?.length, 2);
  assertStringIncludes(rows, "Above: private; below: what");
  assertStringIncludes(rows, 'width="240" height="256"');
  const pairs = [{ name: "x", truth: new Uint8Array(3), recovered: null, caption: "" }];
  assertThrows(
    () => auditPage(audit({ attacks: [finding({ pairs })] })),
    TypeError,
    "3 values, not 784",
  );
});

Deno.test("auditPage() stays under 5 MB, with fewer pairs where pictures are large", () => {
  const shape = [64, 64, 3] as const;
  const noise = Array.from({ length: 12 }, (_, i) => seededRng(i).bytes(64 * 64 * 3));
  const pairs = noise.map((truth, i) => ({
    name: `${i}.png`,
    truth,
    recovered: noise[11 - i],
    caption: "",
  }));
  const attacks = Array.from({ length: 14 }, (_, i) => finding({ name: `a${i}`, pairs }));
  const page = auditPage(audit({ shape, attacks }));
  assertLess(page.length, 5e6);
  assertStringIncludes(page, "Shown are 8 of 10.");
  for (const [name, { length }] of PAGES) assertLess(length, 1.5e6, name);
});

Deno.test("auditPage()'s texts reach a contrast of 4.5 : 1 on each ground, light and dark", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const share = parseInt(hex.slice(at, at + 2), 16) / 255; // WCAG 2, relative luminance
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (...colours: [string, string]) => {
    const [dark, light] = colours.map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  assertEquals(contrast("#000000", "#ffffff"), 21);
  const [, page] = PAGES[0];
  const blocks = all(page, /:root\s*\{([^}]*--text[^}]*)\}/g);
  assertEquals(blocks.length, 2); // light, then dark
  for (const [i, mode] of (["light", "dark"] as const).entries()) {
    const colours = Object.fromEntries(
      [...blocks[i].matchAll(/--(\w+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]),
    );
    assertEquals(colours, PAGE_COLOURS[mode]);
    for (const name of ["text", "muted", "link", "leak", "none"]) {
      for (const ground of ["ground", "panel"]) {
        const ratio = contrast(colours[name], colours[ground]);
        assert(ratio >= 4.5, `${mode}: ${name} on ${ground} ${ratio.toFixed(2)}`);
      }
    }
  }
});
