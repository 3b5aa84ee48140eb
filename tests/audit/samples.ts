/** OwnSamples of two classes for audits that take a second: blurred noise in one half of the image.
 * @module */
import { dataset } from "lib/data/dataset.ts";
import { gaussian, seededRng } from "lib/math/rng.ts";
import { firstLayer } from "lib/protocol/cryptonn/first_layer.ts";
import type { OwnSamples } from "lib/data/own_samples.ts";
import type { Subject } from "lib/audit/subject.ts";

/** 12 × 12, so that SSIM has its windows; smooth, so that neighbours are alike. */
export function halves(count: number, seed: number): OwnSamples {
  const rng = seededRng(seed);
  const n = 144;
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const x = new Uint8Array(count * n);
  for (let i = 0; i < count; i++) {
    const blocks = rng.bytes(16); // 4 × 4 blocks of 3 × 3 pixels
    for (let p = 0; p < n; p++) {
      const [row, column] = [Math.floor(p / 12), p % 12];
      const own = (row < 6) === (y[i] === 0);
      const block = blocks[4 * Math.floor(row / 3) + Math.floor(column / 3)];
      x[i * n + p] = own && block > 128 ? block : 0;
    }
  }
  const data = dataset({ name: "halves", x, y, shape: [12, 12, 1], classes: ["0", "1"] });
  const names = Array.from({ length: count }, (_, i) => `half-${i}.png`);
  return { ...data, names, labelled: true, kind: "image", notes: [] };
}

/** A subject: CryptoNN with a layer of so many units, unless said otherwise. */
export function subjectOf(
  samples: OwnSamples,
  own: Partial<Subject> & { hidden: number },
): Subject {
  const W1 = gaussian(seededRng(3), own.hidden * samples.n);
  return {
    ...{ scheme: "cryptonn", layer: firstLayer(W1, samples.n), convolution: null, samples },
    ...{ publicSamples: null, known: null, epochs: 3, sigma: 0.7, run: null },
    ...own,
  };
}
