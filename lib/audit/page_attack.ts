/** The section of one attack on an audit's page: what it made, what it assumes, and the change that stops it.
 * @module */
import { durationText, thousands } from "../plot/theme.ts";
import type { AttackFinding, Change, Cost } from "./findings.ts";
import { type Html, html } from "./html.ts";
import type { PagePictures } from "./page_pictures.ts";
import { pageTable, tableRow } from "./page_table.ts";
import { countText, OUTCOMES, percentText, valueText } from "./words.ts";

/** An outcome's word, its look beside it. */
export function outcomeChip(outcome: AttackFinding["outcome"]): Html {
  const { word, tone } = OUTCOMES[outcome];
  return html`<span class="chip ${tone}">${word}</span>`;
}

function numbersList({ name, numbers, counts, seconds }: AttackFinding): Html {
  const rows = [
    ["recovered exactly", countText(counts.exact, counts.attacked)],
    ["certified", countText(counts.certified, counts.attacked)],
    ...Object.entries(numbers).map(([what, value]) => [what, valueText(value)]),
    ["time taken", durationText(seconds)],
    ["name in the library", name],
  ];
  const items = rows.map(([what, value]) =>
    html`
      <div>
        <dt>${what}</dt>
        <dd>${value}</dd>
      </div>
    `
  );
  return html`<dl class="numbers">${items}</dl>`;
}

/** A share as a bar of its length, its number beside it. */
function bar(share: number): Html {
  const width = (100 * Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0))).toFixed(1);
  const filled = html`<span style="width: ${width}%"></span>`;
  return html`<span class="bar" aria-hidden="true">${filled}</span><span class="number">${
    percentText(share)
  }</span>`;
}

function trialsTable(trials: Change["trials"]): Html {
  return pageTable({
    label: "Settings tried, in this order",
    isCaptioned: true,
    look: "trials",
    columns: ["setting", "share recovered", "stops it"],
    rows: trials.map(({ setting, leakage, stops }) =>
      tableRow(setting, [bar(leakage), stops ? html`<b>yes</b>` : "no"], stops ? "stops" : "")
    ),
  });
}

function costPart({ accuracy, seconds, bytes, note }: Cost): Html {
  const why = note === "" ? null : html`<p class="muted">${note}</p>`;
  if (accuracy === null && seconds === null && bytes === null) {
    return html`<p>What the change costs was not measured.</p>${why}`;
  }
  const row = (name: string, cost: Cost["seconds"], text: (value: number) => string) =>
    tableRow(name, cost === null ? ["not measured", ""] : [text(cost.now), text(cost.then)]);
  const table = pageTable({
    label: "What the change costs",
    isCaptioned: true,
    look: "cost",
    columns: ["quantity", "now", "then"],
    rows: [
      row("test accuracy", accuracy, percentText),
      row("time of an epoch", seconds, (value) => durationText(value, 3)),
      row(
        "sent and got, a sample and visit",
        bytes,
        (value) => `${thousands(Math.round(value))} B`,
      ),
    ],
  });
  return html`${table}${why}`;
}

function changePart({ change, changeNote }: AttackFinding): Html {
  if (change === null) return html`<p><b>What stops it:</b> ${changeNote}</p>`;
  const { what, trials, cost, note } = change;
  return html`
    <div class="change">
      <h4>What stops it: ${what}</h4>
      ${note === "" ? null : html`<p>${note}</p>`}
      ${trials.length === 0 ? null : trialsTable(trials)}
      ${costPart(cost)}
    </div>
  `;
}

/** The section. @param id its place on the page. */
export function attackSection(finding: AttackFinding, id: string, pictures: PagePictures): Html {
  const { title, outcome, sentence, assumption } = finding;
  return html`
    <section class="attack" id="${id}">
      <div class="made">
        <header>
          <h3>${title}</h3>
          ${outcomeChip(outcome)}
        </header>
        <p>${sentence}</p>
        ${pictures.withNames(finding)}
      </div>
      ${numbersList(finding)}
      <p><b>Assumed of the attacker:</b> ${assumption}</p>
      ${changePart(finding)}
    </section>
  `;
}
