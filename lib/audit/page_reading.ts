/** The part of an audit's page that says how to read it.
 * @module */
import type { Audit } from "./findings.ts";
import { type Content, type Html, html } from "./html.ts";
import { LEAKS_FROM } from "./measure.ts";
import { OUTCOMES, percentText } from "./words.ts";

/** What each word means, what a failed attack does not prove, and how to repeat the audit. Its place is `#reading`. */
export function readingPart({ insecureSeed, kind }: Audit): Html {
  const one = kind === "table" ? "row" : "image";
  const meanings: readonly (readonly [word: Content, meaning: string])[] = [
    ...Object.values(OUTCOMES).map(({ word, tone, meaning }) =>
      [html`<span class="chip ${tone}">${word}</span>`, meaning] as const
    ),
    [
      html`<b>Certified</b>`,
      `Shown without the private ${one}: a wrong ${one} has no more than a negligible chance to satisfy the ` +
      "attacker's equations, if the first layer was drawn independently of it. The attacker can compute this " +
      `too, and then knows that what it has is the private ${one}.`,
    ],
    [
      html`<b>Share recovered</b>`,
      `Of the ${one}s attacked, those recovered exactly; or how far the attack gets from what the attacker had ` +
      `anyway, the mean ${one} of a class (0 %), to the private ${one} (100 %).`,
    ],
    [
      html`<b>Stops it</b>`,
      `At this setting this attack recovers no ${one} exactly, and gets less than ` +
      `${percentText(LEAKS_FROM)} of that way, on these ${one}s.`,
    ],
  ];
  const repeat =
    html`Run the audit again with the same configuration and <code>--insecure-seed ${insecureSeed}</code>: it draws the same random numbers.`;
  return html`
    <section id="reading">
      <h2>How to read this page</h2>
      <dl class="meanings">${meanings.map(([word, meaning]) =>
        html`
          <dt>${word}</dt>
          <dd>${meaning}</dd>
        `
      )}</dl>
      <p>
        <b>A recovery is proof.</b> Where a sample is recovered or certified, whoever has what the threat
        model lists and the attack assumes can do the same.
      </p>
      <p>
        <b>A failed attack proves nothing.</b> Another attack, more seconds, more visits of each sample or
        more public data may succeed where these did not.
      </p>
      <p><b>To repeat it.</b> ${repeat}</p>
      <p>
        <b>For machines.</b> Beside this page, <code>report.json</code> has all its numbers and <code>pictures/</code> its pictures. The audit's exit status is 1 where leaks were found and 0 where
        nothing was recovered; 2 means that it could not run.
      </p>
    </section>
  `;
}
