/** The page of an audit: one HTML file that works offline, without a script and without a request, on a phone and on
 * paper. The verdict stands first, then what each attack got and what stops it, then how to read all that.
 * @module */
import { durationText } from "../plot/theme.ts";
import type { Audit } from "./findings.ts";
import { type Content, Html, html } from "./html.ts";
import { attackSection, outcomeChip } from "./page_attack.ts";
import { pageStyle } from "./page_look.ts";
import { PagePictures } from "./page_pictures.ts";
import { readingPart } from "./page_reading.ts";
import { pageTable, tableRow } from "./page_table.ts";
import {
  aboutText,
  countText,
  SCHEME_NAMES,
  stopText,
  verdictSentences,
  verdictWord,
} from "./words.ts";

/** Nothing is fetched and nothing runs, whatever should slip into the page. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; " +
  "base-uri 'none'; form-action 'none'";

const idOf = (index: number) => `attack-${index + 1}`;

function section(title: string, ...content: Content[]): Html {
  return html`
    <section>
      <h2>${title}</h2>
      ${content}
    </section>
  `;
}

function verdictPart(audit: Audit, pictures: PagePictures): Html {
  const { verdict, attacks } = audit;
  const [first, rest] = verdictSentences(audit);
  const at = attacks.findIndex(({ name }) => name === verdict.attack);
  const caveat = html`
    <p>
      That the attacks tried here get no further proves nothing about others: see <a
        href="#reading">how to read this page</a>.
    </p>
  `;
  const figure = at < 0
    ? null
    : pictures.plain(attacks[at], html`<a href="#${idOf(at)}">${attacks[at].title}</a>`);
  return html`
    <header>
      <p class="muted">Leakage audit · ${aboutText(audit)}</p>
      <h1>${first}</h1>
      <p><span class="chip ${verdict.leaks ? "leak" : "none"}">${verdictWord(audit)}</span></p>
      ${verdict.advice === "" ? null : html`<p>${verdict.advice}</p>`}
      ${rest === "" ? null : html`<p>${rest}</p>`}
      ${verdict.leaks ? null : caveat} ${figure}
    </header>
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
    ].map((cell, j) =>
      html`<td role="cell" data-label="${columns[j + 1]}"><span>${cell}</span></td>`
    );
    return html`
      <tr role="row">
        <th role="rowheader" scope="row"><a href="#${idOf(i)}">${title}</a></th>
        ${cells}
      </tr>
    `;
  });
  const heads = columns.map((column) => html`<th role="columnheader" scope="col">${column}</th>`);
  return html`
    <div class="scroll">
      <table class="summary" role="table" aria-label="Summary">
        <thead role="rowgroup">
          <tr role="row">${heads}</tr>
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
  return pageTable({
    label: "Attacks not tried",
    columns: ["attack", "why not"],
    rows: notTried.map(({ attack, why }) => tableRow(attack, [why])),
  });
}

function threatPart({ scheme, threat }: Audit): Html {
  const table = pageTable({
    label: "Threat model",
    columns: ["quantity", "value", "the attacker has it"],
    rows: threat.map(({ quantity, value, attackerHas }) =>
      tableRow(quantity, [value, attackerHas ? html`<b>yes</b>` : "no"])
    ),
  });
  return html`
    <p>
      The attacker is the server of ${SCHEME_NAMES[
        scheme
      ]}, which follows the protocol. Each attack works
      from what stands here, and from what is said with it to be assumed.
    </p>
    ${table}
  `;
}

function subjectPart(
  { machine, seconds, versions, schema, insecureSeed, subject, notes }: Audit,
): Html {
  const lines: (readonly [string, string])[] = [
    ...subject,
    [
      "seconds given, taken",
      `${durationText(seconds.given, 3)}, ${durationText(seconds.taken, 3)}`,
    ],
    ["insecure seed", String(insecureSeed)],
    ["machine", `${machine.cores} cores, ${machine.os}, ${machine.arch}`],
    ["products of matrices", machine.products],
    ["versions", `workspace ${versions.workspace}, Deno ${versions.deno}`],
    ["schema of report.json", schema],
  ];
  const table = pageTable({
    label: "What was audited",
    look: "subject",
    columns: ["name", "value"],
    rows: lines.map(([name, value]) => tableRow(name, [value])),
  });
  const list = html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`;
  return html`${table}${notes.length === 0 ? null : list}`;
}

/** The page, in UTF-8, under 5 MB: at most ten pairs of pictures an attack, fewer where they are large. Every text of the
 * audit is shown as text, whatever stands in it.
 * @throws {TypeError} a picture's length is not the shape's. */
export function auditPage(audit: Audit): string {
  const pictures = new PagePictures(audit);
  const attacks = audit.attacks.map((finding, i) => attackSection(finding, idOf(i), pictures));
  return html`
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
        <title>${verdictWord(audit)}: leakage audit of ${SCHEME_NAMES[audit.scheme]}</title>
        <style>${new Html(pageStyle())}</style>
      </head>
      <body>
            ${verdictPart(audit, pictures)}
            <main>
              ${section("Summary", summaryTable(audit))}
              ${section("Attacks", attacks)}
              ${section("Not tried", notTriedPart(audit))}
              ${section("Threat model", threatPart(audit))}
              ${readingPart(audit)}
              ${section("What was audited, and how", subjectPart(audit))}
            </main>
          </body>
    </html>
  `.text;
}
