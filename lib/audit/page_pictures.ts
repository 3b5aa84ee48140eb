/** Pairs private | recovered as figures of a page, their pixels in the page itself.
 * @module */
import { isRow, samplePng } from "../plot/pair_png.ts";
import { thousands } from "../plot/theme.ts";
import type { AttackFinding, Audit, Pair } from "./findings.ts";
import { type Content, type Html, html } from "./html.ts";

/** Pairs of one figure; what remains of them lies beside the page. */
const MOST_PAIRS = 10;
/** Characters that all pictures of a page may take: with its words it stays under 5 MB. */
const MOST_CHARACTERS = 4_000_000;
/** Characters of a name under a picture. */
const MOST_OF_NAME = 40;
/** Pixels of a picture's longer side, about: enlarged by a whole factor, for a print or a viewer of PDF may smooth what
 * stands between pixels. */
const SIDE = 112;

/** A long name without its middle. */
function shortened(name: string): string {
  const letters = [...name], half = MOST_OF_NAME / 2;
  if (letters.length <= MOST_OF_NAME) return name;
  return `${letters.slice(0, half).join("")}…${letters.slice(1 - half).join("")}`;
}

/** Draws the pairs of one audit, at most ten in a figure, and fewer where large images would burst the page. */
export class PagePictures {
  readonly #shape: Audit["shape"];
  readonly #isTable: boolean;
  readonly #zoom: number;
  readonly #limit: number;
  readonly #uris = new Map<Uint8Array, string>(); // an image stands under several attacks

  constructor({ attacks, shape, verdict }: Audit) {
    this.#shape = shape;
    this.#isTable = isRow(shape);
    const [height, width] = shape;
    this.#zoom = this.#isTable
      ? Math.min(8, Math.max(1, Math.floor(4 * SIDE / width)))
      : Math.max(1, Math.floor(SIDE / Math.max(height, width)));
    const figures = attacks.flatMap(({ name, pairs }) =>
      name === verdict.attack ? [pairs, pairs] : [pairs]
    );
    const characters = (limit: number) =>
      figures.flatMap((pairs) => pairs.slice(0, limit))
        .flatMap(({ truth, recovered }) => [truth, recovered])
        .reduce((sum, pixels) => sum + (pixels === null ? 0 : this.#uri(pixels).length), 0);
    let limit = MOST_PAIRS;
    while (limit > 0 && characters(limit) > MOST_CHARACTERS) limit--;
    this.#limit = limit;
  }

  #uri(pixels: Uint8Array): string {
    const known = this.#uris.get(pixels);
    if (known !== undefined) return known;
    const uri = `data:image/png;base64,${samplePng(pixels, this.#shape, this.#zoom).toBase64()}`;
    this.#uris.set(pixels, uri);
    return uri;
  }

  #picture(pixels: Uint8Array | null, alt: string, blank: string): Html {
    if (pixels === null) return html`<span class="blank">${blank}</span>`;
    const [height, width] = this.#shape.map((size) => size * this.#zoom);
    const [src, tall] = [this.#uri(pixels), this.#isTable ? 32 * height : height]; // bars
    return html`<span><img src="${src}" width="${width}" height="${tall}" alt="${alt}"></span>`;
  }

  #pair({ name, truth, recovered, caption }: Pair, hasName: boolean): Html {
    const words = hasName ? html`<small><bdi>${shortened(name)}</bdi> ${caption}</small>` : null;
    return html`
      <li>
        <div class="pair">
          ${this.#picture(truth, `private: ${name}`, "not given")}
          ${this.#picture(
            recovered,
            `made from ${name}: ${caption || "not held to it"}`,
            "nothing",
          )}
        </div>
        ${words}
      </li>
    `;
  }

  #figure({ pairs, counts }: AttackFinding, maker: Content, look: string): Html | null {
    if (pairs.length === 0) return null;
    const shown = pairs.slice(0, this.#limit);
    const [first, second] = this.#isTable ? ["Above", "below"] : ["Left", "right"];
    const bars = this.#isTable
      ? " Each column is a bar: none for its smallest value, full for its largest."
      : "";
    const some = shown.length < counts.attacked
      ? ` Shown are ${thousands(shown.length)} of ${thousands(counts.attacked)}.`
      : "";
    const more = shown.length < pairs.length
      ? ` Beside this page, in pictures/, are ${thousands(pairs.length)}.`
      : "";
    return html`
      <figure class="${look}">
        <ul class="pairs ${this.#isTable ? "rows" : ""}">${shown.map((pair) =>
          this.#pair(pair, look !== "hero")
        )}</ul>
        <figcaption>${first}: private; ${second}: what ${maker} makes of it.${bars}${some}${more}</figcaption>
      </figure>
    `;
  }

  /** The verdict's figure, for one look. @param maker who made it, in words. @returns null without a pair. */
  plain(finding: AttackFinding, maker: Content): Html | null {
    return this.#figure(finding, maker, "hero");
  }

  /** The figure of an attack's section, each pair with its name and what is known of it; null without a pair. */
  withNames(finding: AttackFinding): Html | null {
    return this.#figure(finding, "the attack", "named");
  }
}
