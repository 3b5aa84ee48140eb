/** The page of an audit: one HTML file that works offline, without a script and without a request, on a phone and on
 * paper. The verdict stands first, then what each attack got and what stops it, then how to read all that.
 * @module */
import { durationText } from "../plot/theme.ts";
import type { Audit } from "./findings.ts";
import { type Content, Html, html } from "./html.ts";
import { attackSection, outcomeChip } from "./page_attack.ts";
import { pageStyle } from "./page_look.ts";
import { PagePictures } from "./page_pictures.ts";
import { countText, OUTCOMES, samplesText, SCHEME_NAMES, stopText, verdictWord } from "./words.ts";

/** Nothing is fetched and nothing runs, whatever should slip into the page. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const idOf = (index: number) => `attack-${index + 1}`;

function section(title: string, ...content: Content[]): Html {
  return html`
    <section><h2>${title}</h2>
    ${content}</section>
  `;
}

function list(lines: readonly Content[]): Html {
  return html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/** A table whose first column heads its rows. */
function rowsTable(
  label: string,
  columns: readonly string[],
  rows: readonly (readonly Content[])[],
): Html {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="${label}">
      <table>
        <thead>
          <tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr>
        </thead>
        <tbody>${rows.map(([head, ...cells]) =>
          html`
            <tr><th scope="row">${head}</th>${cells.map((cell) =>
              html`<td class="value">${cell}</td>`
            )}</tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}

function verdictPart(audit: Audit, pictures: PagePictures): Html {
  const { verdict, attacks, scheme, seconds } = audit;
  const at = attacks.findIndex(({ name }) => name === verdict.attack);
  const about = [
    ...["Leakage audit", SCHEME_NAMES[scheme], samplesText(audit)],
    `${attacks.length} attacks in ${durationText(seconds.taken)}`,
  ];
  const caveat = verdict.leaks
    ? null
    : html`<p>That the attacks tried here get no further proves nothing about others: see <a href="#reading">how to read this page</a>.</p>`;
  const figure = at < 0 ? null : pictures.figure(attacks[at], false);
  return html`
    <header><p class="eyebrow">${about.join(" · ")}</p>
    <h1>${verdict.sentence}</h1>
    <p><span class="chip ${verdict.leaks ? "leak" : "none"}">${verdictWord(audit)}</span></p>
    ${caveat}${figure}${figure === null
      ? null
      : html`<p class="muted">By <a href="#${idOf(at)}">${attacks[at].title}</a>.</p>`}</header>
  `;
}

/** On a phone each row is a card; the roles keep the table a table there. */
function summaryTable({ attacks }: Audit): Html {
  const columns = ["attack", "outcome", "recovered", "certified", "what stops it"];
  const rows = attacks.map((finding, i) => {
    const { counts, outcome, title } = finding;
    const cells = [
      outcomeChip(outcome),
      countText(counts.exact, counts.attacked),
      countText(counts.certified, counts.attacked),
      stopText(finding),
    ];
    return html`
      <tr
        role="row"><th role="rowheader" scope="row"><a href="#${idOf(i)}">${title}</a></th>${cells
          .map((cell, j) =>
            html`
              <td role="cell" ${j === 1 || j === 2
                ? html`
                  class="number"
                `
                : null} data-label="${columns[j + 1]}"><span>${cell}</span></td>
            `
          )}</tr>
    `;
  });
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Summary">
      <table class="summary" role="table">
        <thead role="rowgroup">
          <tr role="row">${columns.map((column) =>
            html`<th role="columnheader" scope="col">${column}</th>`
          )}</tr>
        </thead>
        <tbody role="rowgroup">${rows}</tbody>
      </table>
    </div>
  `;
}

function notTriedPart({ notTried }: Audit): Html {
  if (notTried.length === 0) {
    return html`<p>Every attack in the library that applies was tried.</p>`;
  }
  return rowsTable(
    "Attacks not tried",
    ["attack", "why not"],
    notTried.map(({ attack, why }) => [attack, why]),
  );
}

function readingPart({ insecureSeed, kind }: Audit): Html {
  const row = kind === "table" ? "row" : "image";
  const meanings: [Content, string][] = Object.values(OUTCOMES).map((
    { word, tone, meaning },
  ) => [
    html`<span class="chip ${tone}">${word}</span>`,
    `${meaning[0].toUpperCase()}${meaning.slice(1)}.`,
  ]);
  const repeat = insecureSeed === null
    ? "Run the audit again with the same configuration. No seed was set: what is drawn at random is drawn anew, and counts may differ by chance."
    : html`Run the audit again with the same configuration and <code>--insecure-seed ${insecureSeed}</code>: it draws the same random numbers.`;
  return html`
    <section id="reading">
      <h2>How to read this page</h2>
      <dl class="meanings">${meanings.map(([word, meaning]) =>
        html`
          <dt>${word}</dt>
          <dd>${meaning}</dd>
        `
      )}
    <dt><b>Certified</b></dt><dd>Shown without the private ${row}: the equations that the attacker has leave a wrong ${row} no more than a negligible chance to satisfy them, if the first layer was drawn independently of it. The attacker can compute this too, and then knows that the ${row} is the private one.</dd>
    <dt><b>Share recovered</b></dt><dd>Of the ${row}s attacked, those recovered exactly; or, where none is exact, how far the attack gets from what the labels alone bring, 0 %, to the private ${row}, 100 %.</dd></dl>
      <p><b>A failed attack proves nothing.</b> Another attack, more seconds, more visits or more public data may succeed where these did not. “Stops it” says that this attack, at this setting, on these samples, got no further than the labels alone.</p>
      <p><b>A recovery is proof.</b> Where a sample is recovered or certified, whoever has what the threat model lists can do the same.</p>
      <p><b>To repeat it.</b> ${repeat} All numbers of this page stand in <code>report.json</code> beside it, each pair of pictures in <code>pictures/</code>.</p>
    </section>
  `;
}

function subjectPart(audit: Audit): Html {
  const { machine, seconds, versions, schema, insecureSeed, subject } = audit;
  const lines: (readonly [string, string])[] = [
    ...subject,
    [
      "seconds given, taken",
      `${durationText(seconds.given, 3)}, ${durationText(seconds.taken, 3)}`,
    ],
    [
      "insecure seed",
      insecureSeed === null ? "none: drawn from the system's generator" : String(insecureSeed),
    ],
    ["machine", `${machine.cores} cores, ${machine.os}, ${machine.arch}`],
    ["workspace", versions.workspace],
    ["Deno", versions.deno],
    ["schema of report.json", schema],
  ];
  return rowsTable("What was audited", ["name", "value"], lines);
}

/** The page, in UTF-8, under 5 MB: at most ten pairs of pictures an attack, fewer where they are large. Every text of the
 * audit is shown as text, whatever stands in it.
 * @throws {TypeError} a picture's length is not the shape's. */
export function auditPage(audit: Audit): string {
  const pictures = new PagePictures(audit);
  const { attacks, threat, notes, scheme } = audit;
  const page = html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${POLICY}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="robots" content="noindex">
        <meta name="referrer" content="no-referrer">
        <link rel="icon" href="data:,">
        <title>${verdictWord(audit)}: leakage audit of ${SCHEME_NAMES[scheme]}</title>
        <style>${new Html(pageStyle())}</style>
      </head>
      <body>
    ${verdictPart(audit, pictures)}<main>
    ${section("Summary", summaryTable(audit))}
    ${section("Attacks", attacks.map((finding, i) => attackSection(finding, idOf(i), pictures)))}
    ${section("Not tried", notTriedPart(audit))}
    ${section(
      "Threat model",
      html`<p>What the server of ${
        SCHEME_NAMES[scheme]
      } has. Each attack works from this alone, and from what stands with it as assumed.</p>`,
      rowsTable(
        "Threat model",
        ["quantity", "value", "the attacker has it"],
        threat.map((
          { quantity, value, attackerHas },
        ) => [quantity, value, attackerHas ? html`<b>yes</b>` : "no"]),
      ),
    )}
    ${readingPart(audit)}
    ${section(
      "What was audited, and how",
      subjectPart(audit),
      notes.length === 0 ? null : list(notes),
    )}
    </main>
      </body>
    </html>
  `;
  return page.text;
}
