/** A server that steers by training: the client becomes the encoder half of an auto-encoder of k known images.
 *
 * The server keeps the last code of each known sample, fits a linear decoder to them, and answers a known sample with
 * the direction in which its reconstruction improves, ∂/∂z ½‖x̂(z) − x‖², stretched to a chosen length; all others with
 * 0. What the client learns for the known images it does for all: their codes carry the image, and the larger they
 * grow the less noise on them counts. A client that clips takes no more than its clip of each.
 * @module */
import { multiplyTransposed } from "../../math/dense.ts";
import { fitLinear, type LinearDecoder } from "./linear_decoder.ts";
import type { KnownImages, TrainingRecovery } from "./recovery.ts";
import { labelsOf, type Steering } from "./steer.ts";
import { type TrainingView, visitsOf, z1Of } from "./view.ts";

/** How often the decoder is fitted anew while the known samples come by once. */
const FITS = 4;

/** The server.
 * @param options.length of the dz of each known sample.   @param options.units numbers of a code.
 * @param options.visits of the training: at the first and at the last nothing is steered, so that all codes of it
 * come from one client.   @param options.clip norm to which the client is known to shorten a dz: where W1 moves by
 * plain descent the server follows the known codes from visit to visit.   @param options.disguise all others get
 * their honest dz.
 * @throws {RangeError} no known images, a length that is not positive. */
export function autoencoder(
  known: KnownImages,
  { length, units, visits, clip = Infinity, inputScale, disguise = false }: {
    readonly length: number;
    readonly units: number;
    readonly visits: number;
    readonly clip?: number;
    readonly inputScale: number;
    readonly disguise?: boolean;
  },
): Steering {
  const k = known.samples.length;
  if (k < 2) throw new RangeError(`Cannot steer: k = ${k} known images, expected 2 or more`);
  if (!(length > 0) || !Number.isFinite(length)) {
    throw new RangeError(`Cannot steer: length = ${length} is not positive`);
  }
  const n = known.x.length / k;
  const X = Float64Array.from(known.x, (x) => x / 255);
  const placeOf = new Map(Array.from(known.samples, (name, place) => [name, place]));
  const [codes, of] = [new Float64Array(k * units), new Uint8Array(k)];
  let decoder: LinearDecoder | undefined;
  const G = multiplyTransposed(X, X, { n }).map((g) => g * (255 * inputScale) ** 2);
  let met = 0;
  return ({ samples, z1, labels, dz1, rate }) => {
    const sent = disguise ? dz1.slice() : new Float32Array(dz1.length);
    samples.forEach((name, row) => {
      const place = placeOf.get(name);
      if (place === undefined) return;
      if (labels === null) throw new TypeError("Cannot steer: the labels stay with the client");
      codes.set(z1.subarray(row * units, (row + 1) * units), place * units);
      of[place] = labels[row];
      met++;
      if (met >= k && met % Math.ceil(k / FITS) === 0 && met < k * (visits - 1)) {
        decoder = fitLinear(codes, X, of, decoder && [decoder.share]);
      }
      if (!decoder || met >= k * (visits - 1)) return;
      const code = codes.slice(place * units, (place + 1) * units);
      const image = X.subarray(place * n, (place + 1) * n);
      const gradient = decoder.gradient(code, of.subarray(place, place + 1), image);
      const norm = Math.hypot(...gradient);
      if (norm === 0) return;
      sent.set(gradient.map((g) => g * length / norm), row * units);
      if (rate === null || disguise) return;
      const step = rate * Math.min(length, clip) / norm;
      for (let a = 0; a < k; a++) {
        const by = step * G[a * k + place];
        for (let u = 0; u < units; u++) codes[a * units + u] -= by * gradient[u];
      }
    });
    return sent;
  };
}

/** Images of samples from the codes of their last visits, by a linear decoder fitted to the known ones.
 * @param options.visits how many of the last are put side by side.
 * @throws {RangeError} fewer visits than that. {TypeError} samples or labels that are missing. */
export function fromCodes(
  view: TrainingView,
  { known, samples, visits = 1 }: {
    readonly known: KnownImages;
    readonly samples: Uint32Array;
    readonly visits?: number;
  },
): TrainingRecovery {
  const started = performance.now();
  const all = visitsOf(view);
  const width = view.units * visits;
  const codesOf = (names: Uint32Array) => {
    const Z = new Float64Array(names.length * width);
    names.forEach((name, i) => {
      const last = (all.get(name) ?? []).slice(-visits);
      if (last.length < visits) {
        throw new RangeError(
          `Cannot decode: sample ${name} has ${last.length} visits, expected ${visits}`,
        );
      }
      last.forEach((visit, v) => Z.set(z1Of(view, visit), i * width + v * view.units));
    });
    return Z;
  };
  const X = Float64Array.from(known.x, (x) => x / 255);
  const decoder = fitLinear(codesOf(known.samples), X, labelsOf(view, known.samples));
  const decoded = decoder.decode(codesOf(samples), labelsOf(view, samples));
  return {
    ...{ status: "estimate", samples, G: null, message: "" },
    X: decoded.map((x) => 255 * Math.min(1, Math.max(0, x))),
    assumption: `${known.samples.length} known images`,
    elapsedMs: performance.now() - started,
  };
}
