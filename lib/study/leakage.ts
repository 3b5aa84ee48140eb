/** Notebook 01: what the encrypted forward pass tells the server, how that depends on the width of the first layer,
 * and whether training hides it.
 * @module */
import { attack, attackEach } from "../attack/attack.ts";
import { checkedPriors, type Objective } from "../attack/priors.ts";
import { describe, narrowView, type ServerView } from "../attack/view.ts";
import type { SplitDataset } from "../data/dataset.ts";
import { seededRng } from "../math/rng.ts";
import { accuracy, initialMlp, initialW1 } from "../nn/mlp.ts";
import { trainMlp } from "../nn/train.ts";
import type { On } from "../notebook/run.ts";
import { type Table, table } from "../notebook/table.ts";
import type { Figure } from "../plot/figure.ts";
import { lineFigure } from "../plot/line.ts";
import { sequenceFigure } from "../plot/sequence.ts";
import { clearViews, type FirstLayer, firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { forwardPass } from "../protocol/cryptonn/in_process.ts";
import { type Rate, wilson } from "../sweep/summary.ts";
import { LABELS } from "./rates.ts";
import { type Chosen, judge } from "./recoveries.ts";
import { sent, worked } from "./transcripts.ts";

/** The untrained first layer of the paper's network, in fixed point; a wider one begins with the rows of a narrower. */
export function initialLayer(
  { n, hidden, insecureSeed }: { n: number; hidden: number; insecureSeed: number },
): FirstLayer {
  const sizes = { n, hidden, classes: 10 };
  return firstLayer(initialW1(sizes, "authors", seededRng(insecureSeed)), n);
}

/** Runs the encrypted forward pass of some images.
 * @returns the server's views, those of some of the images, and the run as a sequence diagram.
 * @throws as `forwardPass`; `viewsOf` {RangeError}: an image that was not sent. */
export async function encryptedForward(
  { layer, images, indices, ...on }: Partial<On> & Chosen & { layer: FirstLayer },
): Promise<{
  views: ServerView[];
  viewsOf(some: readonly number[]): ServerView[];
  sequence(name: string, title: string): Figure;
}> {
  const { views, transcript } = await forwardPass(layer, images, indices, on);
  const viewsOf = (some: readonly number[]) =>
    some.map((i) => {
      const at = indices.indexOf(i);
      if (at < 0) throw new RangeError(`Cannot find the view of image ${i}: not among ${indices}`);
      return views[at];
    });
  const sequence = (name: string, title: string) =>
    sequenceFigure({
      ...{ name, title },
      alt: "The authority sets up and derives a key for each row of W1; the client encrypts each " +
        "image; the server decrypts z1 of each.",
      roles: ["authority", "client", "server"],
      steps: [
        worked(transcript, "authority", "setup", "set up: master key"),
        sent(transcript, ["authority", "client"], "public keys", "public key"),
        sent(transcript, ["server", "authority"], "rows of W1"),
        worked(transcript, "authority", "derive keys for W1", `derive ${layer.hidden} keys`),
        sent(transcript, ["authority", "server"], "keys for W1", "functional keys"),
        {
          kind: "group",
          label: `each of ${indices.length} images`,
          steps: [
            worked(transcript, "client", "encrypt a sample", "encrypt an image"),
            sent(transcript, ["client", "server"], "encrypted samples", "encrypted image"),
            worked(transcript, "server", "decrypt z1 of a sample", "decrypt z1 = W1·x"),
          ],
        },
      ],
    });
  return { views, viewsOf, sequence };
}

/** Whether two lists of views hold the same z1, bit for bit. */
export function sameZ1(a: readonly ServerView[], b: readonly ServerView[]): boolean {
  const same = (x: Float64Array, y: Float64Array) =>
    x.length === y.length && x.every((z, j) => z === y[j]);
  return a.length === b.length && a.every((view, i) => same(view.z1, b[i].z1));
}

/** The threat model, as the view itself states it. */
export function threatModel(view: ServerView, title: string): Table {
  return table({
    title,
    columns: ["quantity", "value", "server"],
    rows: describe(view).map((k) => [k.quantity, k.value, k.serverKnows ? "knows" : "does not"]),
  });
}

/** How many of the images come back exactly by TV + ½·Σx from z1 in the clear. */
export async function exactRate(
  { layer, images, indices, ...on }: Partial<On> & Chosen & { layer: FirstLayer },
): Promise<Rate> {
  const views = clearViews(layer, images, indices);
  const recoveries = await attack(views, { objective: "tv-sum", solver: "batched", ...on });
  return wilson(judge("", recoveries, { images, indices }).exact, indices.length);
}

/** Smaller errors are drawn here. */
const FLOOR = 1e-8;

/** Attacks of the same images through the first rows of one wide layer.
 * @param options.layer its first `width` rows are the layer of each width.
 * @returns the mean error by objective and width, its figure, and the views of a width. */
export async function attackWidths(
  { layer, images, indices, objectives, widths, ...on }: Partial<On> & Chosen & {
    layer: FirstLayer;
    objectives: readonly Objective[];
    widths: readonly number[];
  },
): Promise<{
  mse(objective: Objective, width: number): number | null;
  viewsAt(width: number): ServerView[];
  figure(name: string, title: string): Figure;
}> {
  const wide = clearViews(layer, images, indices);
  const viewsAt = (width: number) => wide.map((view) => narrowView(view, width));
  const points = objectives.flatMap((objective) => widths.map((width) => ({ objective, width })));
  const jobs = points.flatMap(({ objective, width }) =>
    viewsAt(width).map((view) => ({ view, priors: checkedPriors({ objective }) }))
  );
  const solved = await attackEach(jobs, { ...on, solver: "fast" });
  const swept = points.map((point, k) => {
    const part = solved.slice(k * wide.length, (k + 1) * wide.length);
    return { ...point, mse: judge("", part, { images, indices }).mse };
  });
  const mse = (objective: Objective, width: number) =>
    swept.find((p) => p.objective === objective && p.width === width)?.mse ?? null;
  const figure = (name: string, title: string) =>
    lineFigure({
      ...{ name, title },
      alt: "Mean squared error falls to the floor at a width that depends on the objective: " +
        "earliest for TV plus half the sum, latest for the published program.",
      xAxis: { title: "hidden width", unit: "units" },
      yAxis: {
        ...{ title: "mean squared error", unit: "pixels in [0, 1]" },
        ...{ log: true, floor: FLOOR },
      },
      series: objectives.map((objective) => {
        const x = widths.filter((width) => mse(objective, width) !== null);
        return { name: LABELS[objective], x, y: x.map((width) => mse(objective, width)!) };
      }),
    });
  return { mse, viewsAt, figure };
}

/** Trains 784-hidden-10 in the authors' setting from each seed, and attacks what it became.
 * @param options.each images attacked behind each trained W1, of its own.
 * @returns the test accuracies, the rate of exact recoveries by TV + ½·Σx, and the first trained layer. */
export async function attackTrained(
  { data: { train, test }, hidden, epochs, seeds, each = 100, signal, onProgress }: Partial<On> & {
    data: SplitDataset;
    hidden: number;
    epochs: number;
    seeds: readonly number[];
    each?: number;
  },
): Promise<{ accuracies: number[]; exact: Rate; layer: FirstLayer }> {
  const layers: FirstLayer[] = [], accuracies: number[] = [];
  let exact = 0;
  for (const [k, seed] of seeds.entries()) {
    const start = initialMlp({ n: test.n, hidden, classes: 10 }, "authors", seededRng(seed));
    const onEpoch = (epoch: number) => onProgress?.(k * epochs + epoch, epochs * seeds.length);
    const trained = await trainMlp(start, train, { epochs, signal, onEpoch });
    const layer = firstLayer(trained.W1, test.n);
    const indices = Array.from({ length: each }, (_, i) => k * each + i);
    exact += (await exactRate({ layer, images: test, indices, signal })).successes;
    accuracies.push(accuracy(trained, test));
    layers.push(layer);
  }
  return { accuracies, exact: wilson(exact, each * seeds.length), layer: layers[0] };
}
