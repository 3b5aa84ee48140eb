/** From files to what is audited: the user's model and samples, or a run that a server recorded.
 * @module */
import { createHash } from "node:crypto";
import type { Shape } from "../attack/priors.ts";
import type { TrainingView } from "../attack/training/view.ts";
import { type Dataset, poolImages, refusal } from "../data/dataset.ts";
import { readLayerFile } from "../data/layer_file.ts";
import { loadDataset } from "../data/load.ts";
import { type OwnSamples, takeSamples, withSharedClasses } from "../data/own_samples.ts";
import { readSamples } from "../data/read_samples.ts";
import { scaledLayer } from "../data/table_file.ts";
import { firstLayer } from "../protocol/cryptonn/first_layer.ts";
import { namedBy, readNames } from "../protocol/recorded_names.ts";
import { readView, type RecordedView } from "../protocol/recorded_view.ts";
import { roundingNotes } from "../tools/read_layer.ts";
import { type AuditConfig, sigmaOf, sizeOf } from "./config.ts";
import { shapeText } from "./measure.ts";
import type { RecordedRun, Subject } from "./subject.ts";

/** What was read, and how it was taken, a line each. */
export interface ReadSubject {
  readonly subject: Subject;
  /** Samples of an epoch of a run; null where neither the run nor the samples tell. */
  readonly count: number | null;
  readonly notes: readonly string[];
}

/** Visits to each sample of a training that is made. */
const EPOCHS = 5;

/** Reads what an audit is told about.
 * @param config as `checkConfig` lets it through; a notebook gives the keys that it needs.
 * @param onMessage called with a line before a dataset is fetched.
 * @throws {DataError} a file that cannot be read, or files that do not go together. */
export async function readSubject(
  config: AuditConfig,
  onMessage?: (line: string) => void,
): Promise<ReadSubject> {
  const { weights, run: file, scheme, known = null, hidden, epochs = EPOCHS } = config;
  const seen = file === undefined ? null : await readView(file);
  if (seen !== null && scheme !== undefined && scheme !== seen.scheme) {
    refusal(`Cannot audit ${file}`)(`it is a training of ${seen.scheme}, not ${scheme}`);
  }
  const { own, others } = await readSampleSets(config, { shape: seen?.shape, onMessage });
  const common = {
    ...{ publicSamples: others, known, epochs, sigma: sigmaOf(config) },
    scheme: seen?.scheme ?? scheme ?? "cryptonn",
  };
  const notes = [...own?.notes ?? [], ...others?.notes ?? []];
  if (seen !== null) {
    const { samples, run, count, note } = await runOf(file!, seen, own, others, config.names);
    const subject = {
      ...common,
      layer: null,
      convolution: null,
      hidden: seen.units,
      samples,
      run,
    };
    return { subject, count, notes: [...notes, ...note] };
  }
  if (own === null) throw new TypeError("Cannot audit: there are no samples");
  const without = { ...common, samples: own, run: null };
  if (weights === undefined) {
    if (hidden === undefined) {
      throw new TypeError("Cannot audit: there is no model, no width, no run");
    }
    const subject = { ...without, layer: null, convolution: null, hidden };
    return { subject, count: null, notes };
  }
  const { tensor, orientation, "input-order": inputOrder, stride, padding } = config;
  const wanted = { shape: own.shape, tensor, orientation, inputOrder, stride, padding };
  const read = await readLayerFile(weights, wanted);
  const W1 = own.scaling ? scaledLayer(read.W1, read.hidden, own.scaling).W1 : read.W1;
  const layer = firstLayer(W1, read.n);
  return {
    subject: {
      ...without,
      layer,
      convolution: read.convolution && {
        outputs: read.convolution.outputs[0] * read.convolution.outputs[1],
      },
      hidden: layer.hidden,
    },
    count: null,
    notes: [...notes, ...read.notes, ...roundingNotes(W1, layer)],
  };
}

/** Private and public samples, as far as there are any; of one kind, shape and list of classes.
 * @param on.shape that a dataset's images are to have, by pooling.
 * @throws {DataError} as {@linkcode readSubject}. */
export async function readSampleSets(
  config: Pick<
    AuditConfig,
    "dataset" | "images-from" | "public-from" | "resize" | "grey" | "labels"
  >,
  { shape, onMessage }: { shape?: Shape; onMessage?: (line: string) => void } = {},
): Promise<{ own: OwnSamples | null; others: OwnSamples | null }> {
  const { dataset, grey, labels, resize } = config;
  if (dataset !== undefined) {
    const { train, test } = await loadDataset(dataset, onMessage);
    return { own: fromDataset(train, shape), others: fromDataset(test, shape) };
  }
  const size = resize === undefined ? undefined : sizeOf(resize);
  const read = (paths: readonly string[], scaling?: OwnSamples["scaling"]) =>
    readSamples(paths, { resize: size, grey, labels, scaling });
  const [from, also] = [config["images-from"], config["public-from"]];
  const own = from ? await read(from) : null;
  const others = also ? await read(also, own?.scaling) : null;
  if (own === null || others === null) return { own, others };
  const fail = refusal(`Cannot use ${others.name} as public samples`);
  if (own.kind !== others.kind || String(own.shape) !== String(others.shape)) {
    fail(`they are ${shapeText(others.shape)}, the private ones ${shapeText(own.shape)}`);
  }
  const shared = sharedSamples(own, others);
  if (shared > 0) fail(`${shared} of them are among the private ones: give others`);
  const [first, second] = withSharedClasses(own, others);
  return { own: first, others: second };
}

/** How many of the others are, number by number, among one's own. */
function sharedSamples(own: OwnSamples, others: OwnSamples): number {
  const digest = ({ x, n }: OwnSamples, at: number) =>
    createHash("sha256").update(x.subarray(at * n, (at + 1) * n)).digest("base64");
  const known = new Set(own.names.map((_, at) => digest(own, at)));
  return others.names.filter((_, at) => known.has(digest(others, at))).length;
}

/** Images of a dataset as samples: pooled, where a run has them so, as our clients' --pool does.
 * @param shape of the run. */
export function fromDataset(images: Dataset, shape: Shape | undefined): OwnSamples {
  const factor = shape && shape[2] === images.shape[2] ? images.shape[0] / shape[0] : 1;
  const pooled = Number.isInteger(factor) && images.shape[1] / factor === shape?.[1]
    ? poolImages(images, factor)
    : images;
  const names = Array.from({ length: images.count }, (_, k) => `image ${k}`);
  const notes = pooled === images || factor === 1 ? [] : [`${pooled.name}, as the run has them`];
  return { ...pooled, names, notes, labelled: true, kind: "image" };
}

/** A run, its samples, and by their places among these what was seen of which. */
async function runOf(
  file: string,
  seen: RecordedView,
  own: OwnSamples | null,
  others: OwnSamples | null,
  namesFile: string | undefined,
): Promise<
  { samples: OwnSamples | null; run: RecordedRun; count: number | null; note: string[] }
> {
  const fail = refusal(`Cannot audit ${file}`);
  const isSplit = seen.scheme === "mitig2" || seen.scheme === "mitig3";
  if (namesFile !== undefined && !isSplit) {
    fail(`${seen.scheme}'s server names the samples itself, leave --names out`);
  }
  const names = namesFile === undefined ? null : await readNames(namesFile);
  const shape = own?.shape ?? others?.shape ?? names?.shape ?? seen.shape;
  if (!isSplit && String(shape) !== String(seen.shape) && countOf(shape) !== countOf(seen.shape)) {
    fail(`it has ${countOf(seen.shape)} numbers a sample, the samples are ${shapeText(shape)}`);
  }
  if (names !== null && own !== null && String(names.shape) !== String(own.shape)) {
    fail(`its samples are ${shapeText(names.shape)} by ${namesFile}, not ${shapeText(own.shape)}`);
  }
  const view: RecordedView = { ...seen, shape };
  const count = names?.orders[0].length ?? seen.count ?? own?.count ?? null;
  if (own !== null && own.count < count!) {
    fail(`it has ${count} samples, ${own.name} has ${own.count}: give those that it trained on`);
  }
  const spare = own !== null && own.count > count!;
  const samples = spare ? takeSamples(own, Array.from({ length: count! }, (_, k) => k)) : own;
  const note = spare
    ? [`${file} has ${count} samples: the first ${count} of ${own.count} are taken for them`]
    : [];
  const named = view.steps.every((step) => step.samples !== null) ? view : null;
  let truth: TrainingView | null = samples === null ? null : named;
  if (names !== null) {
    try {
      truth = namedBy(view, names.orders);
    } catch (error) {
      fail(`${namesFile} does not fit: ${(error as Error).message}`);
    }
  }
  if (truth !== null && samples?.labelled) checkLabels(truth, samples, fail);
  return { samples, run: { view, truth, count }, count, note };
}

const countOf = ([height, width, channels]: Shape) => height * width * channels;

/** Refuses samples that are not those of the run: it met them with other labels. */
function checkLabels(
  { steps }: TrainingView,
  { y, classes, name, count }: OwnSamples,
  fail: (why: string) => never,
): void {
  for (const { samples, labels } of steps) {
    samples!.forEach((at, row) => {
      if (at >= count) fail(`it names sample ${at}, ${name} has ${count}`);
      if (labels === null || labels[row] === y[at]) return;
      fail(
        `its sample ${at} is of class ${labels[row]}, that of ${name} of ${y[at]} ` +
          `(${classes[y[at]]}): give the samples that it trained on, in that order`,
      );
    });
  }
}
