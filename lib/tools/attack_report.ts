/** Attacks on single images, as a table on the terminal or as one JSON object.
 * @module */
import { meanScore, score } from "../attack/metrics.ts";
import { certificateText, type Recovery } from "../attack/recovery.ts";
import { image } from "../data/dataset.ts";
import { shown } from "../data/tensor.ts";
import type { ImageOptions, Scene } from "./attack_images.ts";

function format(value: number | null, digits: number): string {
  if (value === null) return "–";
  return Math.abs(value) >= 1e-3 || value === 0 ? value.toFixed(digits) : value.toExponential(1);
}

/** Prints how it went, as JSON or as a table.
 * @param drawn where the pictures are; null: nowhere.   @returns the exit status: 1 where no attack ended. */
export function report(
  { json, weights, seed, encrypted, ...options }: ImageOptions,
  { layer, kind, images: data, indices, names }: Scene,
  recoveries: readonly Recovery[],
  drawn: string | null,
): number {
  const { objective = "tv-sum", solver = "fast", period = "none" } = options;
  const scores = recoveries.map((recovery, k) =>
    score(recovery, image(data, indices[k]), data.shape)
  );
  const images = scores.map(({ exact: _, ...numbers }, k) => {
    const { certificate, message } = recoveries[k];
    const name = names?.[indices[k]];
    return { index: indices[k], name, ...numbers, certificate, message };
  });
  const mean = {
    mse: meanScore(scores, "mse"),
    psnr: meanScore(scores, "psnr"),
    ssim: meanScore(scores, "ssim"),
    elapsedMs: meanScore(scores, "elapsedMs"),
  };
  const exact = scores.filter((s) => s.exact).length;
  const failed = images.every(({ status }) => status === "error") ? 1 : 0;
  if (json) {
    const setting = {
      ...{ dataset: names === null ? options.dataset ?? "mnist" : null, layer: kind },
      ...{ hidden: layer.hidden, scaleBits: layer.scaleBits },
      ...{ weights: weights ?? null, seed: seed ?? null, encrypted, objective },
      solver: objective === "gaussian" ? null : solver,
      period: period === "none" ? null : Number(period),
    };
    const own = names === null ? {} : { imagesFrom: options["images-from"] };
    const files = drawn === null ? {} : { out: drawn };
    console.log(JSON.stringify({ ...setting, ...own, ...files, images, exact, mean }));
    return failed;
  }
  const wide = Math.max(6, ...images.map(({ name }) => Math.min(24, name?.length ?? 0)));
  const head = (text: string) =>
    (text.length > wide ? `…${text.slice(1 - wide)}` : text).padStart(wide);
  const line = (first: string, status: string, { mse, psnr, ssim, elapsedMs }: typeof mean) =>
    `${head(first)}  ${status.padEnd(10)}  ${format(mse, 4).padStart(8)}  ` +
    `${format(psnr, 1).padStart(8)}  ${format(ssim, 4).padStart(7)}  ` +
    format(elapsedMs, 0).padStart(9);
  console.log(
    `${data.name}, ${kind} W1 ${layer.hidden} × ${layer.n} at scale 2^${layer.scaleBits}, objective ` +
      `${objective}, period ${period}, z1 ${encrypted ? "decrypted" : "in clear"}`,
  );
  console.log(`${head("image")}  status           mse  psnr dB     ssim  elapsedMs`);
  for (const s of images) {
    const worth = s.status === "optimal" ? certificateText(s.certificate) : s.message ?? "";
    const first = s.name === undefined ? String(s.index) : shown(s.name);
    console.log(`${line(first, s.status, s)}  ${worth}`.trimEnd());
  }
  const recovered = images.filter((s) => s.status === "optimal").length;
  console.log(`${line("mean", `of ${recovered}`, mean)}  ${exact} exact`);
  if (drawn !== null) console.log(`original | recovered: ${drawn}/grid.png and a PNG for each`);
  return failed;
}
