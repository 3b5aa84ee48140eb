/** `deno task mitig2:client` and `deno task mitig3:client`: the clients that keep their first layers to themselves
 * (protocol/mitig2/client.ts, protocol/mitig3/client.ts), with a dataset of ours.
 * @module */
import { accuracyOf, type SplitDataset } from "../data/dataset.ts";
import { loadDataset } from "../data/load.ts";
import { AUTHORS, MODERN, type Setting } from "../nn/optimizer.ts";
import { Checkpoints } from "../net/checkpoints.ts";
import type { Connection } from "../net/connection.ts";
import * as mitig2 from "../protocol/mitig2/client.ts";
import * as mitig3 from "../protocol/mitig3/client.ts";
import { NARROW, NARROW_DESCENT, SIGMA } from "../protocol/mitig3/terms.ts";
import type { Beginning, EpochReport } from "../protocol/split/begin.ts";
import { runCommand, UsageError, type Values } from "./args.ts";
import { NameRecord } from "./name_record.ts";
import { placeOf, rngOf, seedFlag } from "./party.ts";
import { connectFlags, PartyRun, percent, round } from "./party_client.ts";

/** The test accuracy that the paper reports. */
const PAPER_ACCURACY = 0.968;

const integer = (min: number, max: number, help: string) => (
  { type: "integer", min, max, help } as const
);

/** The flags of both. */
const common = {
  dataset: {
    type: "choice",
    choices: ["mnist-full", "mnist", "fashion-mnist"],
    default: "mnist-full",
    help: "all but mnist are fetched when first asked for",
  },
  workers: integer(0, 1024, "threads for the first layer (default: the machine's cores)"),
  ...connectFlags,
  fresh: { type: "switch", help: "discard an unfinished training that is kept there" },
  "record-names": {
    type: "path",
    placeholder: "DIR",
    help:
      "write which image is sent when, DIR/TIME.safetensors, for deno task audit --names: a secret, it ties " +
      "what the server's --record keeps to the images",
  },
  predict: {
    type: "switch",
    help: "classify the test images with the finished model instead of training",
  },
} as const;
const epochsFlag = (epochs: number) =>
  integer(1, 10_000, `passes over the training images (default: ${epochs})`);
const unitsFlag = (help: string) => ({ ...integer(1, 2 ** 16, help), default: 300 } as const);
const directoryFlag = (protocol: string) => (
  {
    type: "path",
    placeholder: "DIR",
    default: `data/${protocol}/client`,
    help: "where the checkpoints and the model are kept",
  } as const
);

const RESUMES =
  `A training that was interrupted goes on after the last epoch that both sides hold intact when the same
command is given again.`;
const JSON_HELP =
  `testAccuracy, seconds (from connecting to the saved model), secondsTo968 (to the end of the first
epoch of this run with a test accuracy of at least 96.8 %, else null), bytesUp, bytesDown (messages,
without TLS), session, resumedFrom,`;

/** How a training tells what it does. */
type Listeners =
  & Required<
    Pick<
      mitig2.ClientOptions,
      "onNotice" | "onBegin" | "onOrder" | "fresh" | "workers" | "checkpoints"
    >
  >
  & Pick<PartyRun, "signal" | "transcript">
  & { onEpoch: (report: EpochReport) => void };

/** A finished model, read. */
interface Finished {
  readonly session: Uint8Array;
  /** @param server where it is needed: see `Work.atHome`. */
  classify(pixels: Uint8Array, server: Connection, run: PartyRun): Promise<Uint8Array>;
}

/** What a protocol's client does. */
interface Work {
  /** What comes from the source that `onBegin` tells. */
  readonly drawn: string;
  /** Whether a finished model classifies without the server. */
  readonly atHome: boolean;
  /** Trains; returns predictions, and what more the JSON object has. */
  train(
    server: Connection,
    data: SplitDataset,
    common: Listeners,
  ): Promise<{ predictions: Uint8Array; more: Record<string, unknown> }>;
  /** Reads the finished model; null where there is none. */
  read(checkpoints: Checkpoints): Promise<Finished | null>;
}

/** Connects, trains or classifies, and says how it went. @returns the exit status. */
async function runClient(
  task: "mitig2:client" | "mitig3:client",
  options: Values<typeof common> & { readonly directory: string },
  { drawn, atHome, train, read }: Work,
): Promise<number> {
  const { dataset, workers = navigator.hardwareConcurrency, fresh, json } = options;
  const checkpoints = new Checkpoints(options.directory);
  const model = options.predict ? await read(checkpoints) : null;
  if (options.predict && model === null) {
    throw new Error(`Cannot predict: there is no finished model in ${checkpoints.directory}`);
  }
  const places = model && atHome
    ? []
    : [await placeOf(task.replace("client", "server"), options.url, options.identity)];
  const data = await loadDataset(dataset, (message) => console.error(message));
  const run = new PartyRun(task, checkpoints);
  const { transcript, signal } = run;
  return await run.over(places, async (server) => {
    if (model) {
      const classes = await model.classify(data.test.x, server, run);
      const [session, images] = [model.session.toHex(), classes.length];
      return run.finish(accuracyOf(classes, data.test.y), json, { session, dataset, images });
    }
    let beginning: Beginning | undefined;
    let secondsTo968: number | null = null;
    await using names = await NameRecord.open(options["record-names"], data.train.shape, task);
    const { predictions, more } = await train(server, data, {
      ...{ workers, checkpoints, fresh, transcript, signal },
      onNotice: (line) => console.error(`${task}: ${line}`),
      onOrder: (order) => names.add(order),
      onBegin(agreed) {
        beginning = agreed;
        const { session, resumedFrom, source } = agreed;
        run.begin(resumedFrom ?? 0);
        console.error(
          resumedFrom === null
            ? `session ${session}, ${drawn} from ${source}`
            : `resuming session ${session} after epoch ${resumedFrom}, ${drawn} from ${source}`,
        );
      },
      onEpoch({ epoch, epochs, loss, testAccuracy }) {
        if (testAccuracy >= PAPER_ACCURACY) secondsTo968 ??= round(run.seconds, 3);
        const more = `  loss ${loss.toFixed(4)}  test accuracy ${percent(testAccuracy)}`;
        run.say("epoch", epoch, epochs, more);
      },
    });
    run.finish(accuracyOf(predictions, data.test.y), json, {
      ...{ secondsTo968, ...beginning, dataset, workers, ...more },
    });
  });
}

/** A positive number that was given as text. @throws {UsageError} it is none. */
function positive(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < Infinity) return value;
  throw new UsageError(`--${name} must be a positive number: got "${text}"`);
}

const mitig2Command = {
  name: "mitig2:client",
  summary: `Trains a network with a server that never sees the images or W1 (split learning).

It sends z1 = W1·x, and the labels unless --labels client. Start deno task mitig2:server first; for
one on another machine give --url wss://its-name:8443 and copy its cert.pem and token to --identity.
${RESUMES} The finished W1 is DIR/model.safetensors; --predict uses it.

--json: ${JSON_HELP} source (of W1's randomness), epochs, and what was asked for.`,
  flags: {
    setting: {
      type: "choice",
      choices: ["modern", "authors"],
      default: "modern",
      help: "modern: Adam, softmax, shuffled; authors: plain gradient descent, sigmoid, in order",
    },
    ...common,
    labels: {
      type: "choice",
      choices: ["server", "client"],
      default: "server",
      help: "who has the labels and takes the loss; client: one round trip more a batch",
    },
    hidden: unitsFlag("units of the first layer"),
    epochs: epochsFlag(MODERN.epochs),
    batch: integer(
      1,
      2 ** 16,
      `images a step (default: ${MODERN.batch}; authors: ${AUTHORS.batch})`,
    ),
    "insecure-seed": seedFlag("W1 and the order of the images"),
    directory: directoryFlag("mitig2"),
  },
} as const;

const mitig3Command = {
  name: "mitig3:client",
  summary:
    `Trains a network with a server that gets ten numbers with noise of each image, and its label.

It sends z = u + noise, fresh each time; u, the images and all layers but the last stay here, and classes are
found here. Start deno task mitig3:server first; for one on another machine give --url
wss://its-name:8443 and copy its cert.pem and token to --identity.
${RESUMES} An epoch that was broken off and is gone through again sends every image once more; --visits bounds that. The
finished model is DIR/model.safetensors; --predict uses it, and asks nobody.

--json: ${JSON_HELP} source (of weights and noise), visits (the most that any image was
sent), clipped (share of the last epoch's gradients that were longer than 1), epochs, and what was asked for.`,
  flags: {
    setting: {
      type: "choice",
      choices: ["modern", "descent"],
      default: "modern",
      help: "modern: Adam; descent: plain gradient descent",
    },
    sigma: {
      type: "text",
      placeholder: "X",
      default: String(SIGMA),
      help: "noise in each number of a code of length 1: 0.5 accuracy first, 1 privacy first",
    },
    "insecure-no-noise": { type: "switch", help: "send codes without noise, for experiments" },
    units: unitsFlag("units of the first layer"),
    ...common,
    epochs: epochsFlag(NARROW.epochs),
    batch: integer(1, 2 ** 16, `images a step (default: ${NARROW.batch})`),
    visits: integer(
      1,
      2 ** 20,
      "the most that any image is sent, interruptions included (default: epochs + 3)",
    ),
    "insecure-seed": seedFlag("weights, orders and noise"),
    directory: directoryFlag("mitig3"),
  },
} as const;

function mitig2Setting({ setting, epochs, batch }: Values<typeof mitig2Command.flags>): Setting {
  const base = setting === "authors" ? AUTHORS : MODERN;
  return { ...base, epochs: epochs ?? base.epochs, batch: batch ?? base.batch };
}

const [name, ...args] = Deno.args;
if (name === "mitig2:client") {
  await runCommand(mitig2Command, (options) => {
    const { labels, hidden } = options;
    const setting = mitig2Setting(options);
    return runClient(name, options, {
      drawn: "W1",
      atHome: false,
      async train(server, data, common) {
        const own = { hidden, setting, labels, rng: rngOf(options) };
        const { predictions } = await mitig2.train(server, data, { ...own, ...common });
        const { epochs, batch } = setting;
        const more = { epochs, setting: options.setting, labels, hidden, batch };
        return { predictions, more };
      },
      async read(checkpoints) {
        const model = await checkpoints.readModel(mitig2.decodeModel);
        return model && {
          session: model.session,
          classify: (pixels, server, { transcript, signal }) =>
            mitig2.classify(server, model, pixels, { transcript, signal }),
        };
      },
    });
  }, args);
} else if (name === "mitig3:client") {
  await runCommand(mitig3Command, (options) => {
    const { units, "insecure-no-noise": insecureNoNoise, visits } = options;
    const base = options.setting === "descent" ? NARROW_DESCENT : NARROW;
    const { epochs = base.epochs, batch = base.batch } = options;
    const sigma = insecureNoNoise ? undefined : positive("sigma", options.sigma);
    return runClient(name, options, {
      drawn: "weights and noise",
      atHome: true,
      async train(server, data, common) {
        const insecureSeed = options["insecure-seed"];
        let clipped: number | null = null; // it stays so where the last epoch was over before
        const { predictions, visits: sent } = await mitig3.train(server, data, {
          ...{ units, sigma, insecureNoNoise, visits, insecureSeed, ...common },
          setting: { ...base, epochs, batch },
          onEpoch(report) {
            clipped = round(report.clipped, 4);
            common.onEpoch(report);
          },
        });
        const asked = { sigma: sigma ?? 0, units, epochs, setting: options.setting, batch };
        return { predictions, more: { visits: sent, clipped, ...asked } };
      },
      async read(checkpoints) {
        const model = await checkpoints.readModel(mitig3.decodeModel);
        return model && {
          session: model.session,
          classify: (pixels) => mitig3.classify(model, pixels),
        };
      },
    });
  }, args);
} else {
  console.error(`split_client: no party is called ${name}`);
  Deno.exit(2);
}
