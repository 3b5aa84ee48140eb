/** The section of one attack on an audit's page: what it made, what it assumes, and the change that stops it.
 * @module */
import { durationText, thousands } from "../plot/theme.ts";
import type { AttackFinding, Change, Cost } from "./findings.ts";
import { type Html, html } from "./html.ts";
import type { PagePictures } from "./page_pictures.ts";
import { countText, OUTCOMES, percentText, valueText } from "./words.ts";

/** An outcome's word, its look beside it. */
export function outcomeChip(outcome: AttackFinding["outcome"]): Html {
  const { word, tone } = OUTCOMES[outcome];
  return html`<span class="chip ${tone}">${word}</span>`;
}

function numbersList({ numbers, counts, seconds }: AttackFinding): Html {
  const rows = [
    ["recovered exactly", countText(counts.exact, counts.attacked)],
    ["certified", countText(counts.certified, counts.attacked)],
    ...Object.entries(numbers).map(([name, value]) => [name, valueText(value)]),
    ["time", durationText(seconds)],
  ];
  return html`<dl class="numbers">${
    rows.map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `
    )
  }</dl>`;
}

function trialsTable(trials: Change["trials"]): Html {
  const rows = trials.map(({ setting, leakage, stops }) => {
    const share = Math.min(1, Math.max(0, Number.isFinite(leakage) ? leakage : 0));
    return html`
      <tr${stops
        ? html`
          class="stops"
        `
        : null}>
        <th scope="row">${setting}</th>
        <td
          class="share"><span class="bar" aria-hidden="true"><span style="width: ${(100 * share)
            .toFixed(1)}%"></span></span><span class="number">${percentText(leakage)}</span></td>
        <td>${stops ? "stops it" : "does not"}</td>
        </tr>
    `;
  });
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Settings tried">
      <table class="trials">
        <caption>Settings tried, in this order</caption>
        <thead>
          <tr>
            <th scope="col">setting</th>
            <th scope="col">share recovered</th>
            <th scope="col">result</th>
          </tr>
        </thead>
        <tbody>${rows}</tbody>
      </table>
    </div>
  `;
}

function costTable({ accuracy, seconds, bytes, note }: Cost): Html {
  const bytesText = (value: number) => `${thousands(Math.round(value))} B`;
  const rows = [
    ["test accuracy", accuracy, percentText],
    ["time of an epoch", seconds, (value: number) => durationText(value)],
    ["sent and got, a sample and visit", bytes, bytesText],
  ] as const;
  const cells = rows.map(([name, cost, text]) =>
    html`<tr><th scope="row">${name}</th>${
      cost === null ? html`<td colspan="2">not measured</td>` : html`
        <td class="number">${text(cost.now)}</td>
        <td class="number">${text(cost.then)}</td>
      `
    }</tr>`
  );
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Cost of the change">
      <table>
        <caption>What the change costs</caption>
        <thead>
          <tr>
            <th scope="col">quantity</th>
            <th scope="col">now</th>
            <th scope="col">then</th>
          </tr>
        </thead>
        <tbody>${cells}</tbody>
      </table>
    </div>${note === "" ? null : html`<p class="muted">${note}</p>`}
  `;
}

function changePart({ change, changeNote }: AttackFinding): Html {
  if (change === null) {
    return html`
      <div class="change">
        <h4>What stops it</h4>
        <p>${changeNote}</p>
      </div>
    `;
  }
  const { what, trials, cost, note } = change;
  return html`<div class="change"><h4>What stops it: ${what}</h4>
${note === "" ? null : html`<p>${note}</p>`}${trials.length === 0 ? null : trialsTable(trials)}${
    costTable(cost)
  }</div>`;
}

/** The section. @param id its place on the page. */
export function attackSection(finding: AttackFinding, id: string, pictures: PagePictures): Html {
  const { title, name, outcome, sentence, assumption } = finding;
  return html`
    <section class="attack" id="${id}"
      aria-labelledby="${id}-title"><header><h3 id="${id}-title">${title}</h3>${outcomeChip(
        outcome,
      )}</header>
    <p>${sentence}</p>
    ${pictures.figure(finding, true)}${numbersList(finding)}
    <p><b>Assumed of the attacker:</b> ${assumption} <span class="muted">In the library: <code>${name}</code>.</span></p>
    ${changePart(finding)}</section>
  `;
}
