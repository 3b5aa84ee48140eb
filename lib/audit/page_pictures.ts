/** Pairs private | recovered as figures of a page, their pixels in the page itself.
 * @module */
import type { Shape } from "../attack/priors.ts";
import { samplePng } from "../plot/pair_png.ts";
import type { AttackFinding, Audit, Pair } from "./findings.ts";
import { type Html, html } from "./html.ts";

/** Pairs of one figure; what remains of them lies beside the page. */
export const MOST_PAIRS = 10;
/** Characters that all pictures of a page may take: with its words it stays under 5 MB. */
const MOST_CHARACTERS = 4_000_000;
/** Characters of a name under a picture. */
const MOST_OF_NAME = 40;

/** A long name without its middle. */
function shortened(name: string): string {
  const letters = [...name], half = MOST_OF_NAME / 2;
  if (letters.length <= MOST_OF_NAME) return name;
  return `${letters.slice(0, half).join("")}…${letters.slice(-half + 1).join("")}`;
}

/** Draws the pairs of one audit. */
export class PagePictures {
  readonly #shape: Shape;
  readonly #uris = new Map<Uint8Array, string>(); // an image stands under several attacks
  /** Pairs of each figure: fewer than `MOST_PAIRS` where large images would burst the page. */
  readonly limit: number;

  constructor({ attacks, shape, verdict }: Audit) {
    this.#shape = shape;
    const figures = attacks.flatMap((attack) =>
      attack.name === verdict.attack ? [attack.pairs, attack.pairs] : [attack.pairs]
    );
    const size = (limit: number) =>
      figures.flatMap((pairs) => pairs.slice(0, limit)).reduce(
        (sum, pair) => sum + this.#size(pair),
        0,
      );
    let limit = MOST_PAIRS;
    while (limit > 0 && size(limit) > MOST_CHARACTERS) limit--;
    this.limit = limit;
  }

  #size({ truth, recovered }: Pair): number {
    return [truth, recovered].reduce(
      (sum, pixels) => sum + (pixels === null ? 0 : this.#uri(pixels).length),
      0,
    );
  }

  #uri(pixels: Uint8Array): string {
    const known = this.#uris.get(pixels);
    if (known !== undefined) return known;
    const uri = `data:image/png;base64,${samplePng(pixels, this.#shape, 1).toBase64()}`;
    this.#uris.set(pixels, uri);
    return uri;
  }

  #picture(pixels: Uint8Array | null, alt: string, blank: string): Html {
    if (pixels === null) return html`<span class="blank">${blank}</span>`;
    const [height, width, channels] = this.#shape;
    const tall = height === 1 && channels === 1 ? 32 : height; // a row's bars
    return html`<span><img src="${
      this.#uri(pixels)
    }" width="${width}" height="${tall}" alt="${alt}"></span>`;
  }

  #pair({ name, truth, recovered, caption }: Pair, captioned: boolean): Html {
    const words = captioned
      ? html`<small><bdi>${shortened(name)}</bdi>${caption === "" ? "" : `: ${caption}`}</small>`
      : null;
    return html`<li><div class="pair">${this.#picture(truth, `private: ${name}`, "not given")}${
      this.#picture(recovered, `recovered from ${name}: ${caption}`, "nothing")
    }</div>${words}</li>`;
  }

  /** The figure of an attack's first pairs; null where it has none. @param captioned with a name under each. */
  figure({ pairs, counts }: AttackFinding, captioned: boolean): Html | null {
    if (pairs.length === 0) return null;
    const shown = pairs.slice(0, this.limit);
    const isTable = this.#shape[0] === 1 && this.#shape[2] === 1;
    const places = isTable
      ? "Above: private; below: what the attack makes of it. A column is a bar, from the smallest value to the largest."
      : "Left: private; right: what the attack makes of it.";
    const left = shown.length < counts.attacked
      ? ` ${shown.length} of ${counts.attacked} attacked are shown${
        shown.length < pairs.length ? `; ${pairs.length} lie beside this page, in pictures/` : ""
      }.`
      : "";
    return html`
      <figure${captioned ? null : html`
        class="hero"
      `}>
        <ul class="pairs${isTable ? " rows" : ""}">${shown.map((pair) =>
          this.#pair(pair, captioned)
        )}</ul>
        <figcaption>${places}${left}</figcaption>
        </figure>
    `;
  }
}
