/** `deno task mitig2:client`: the client of MITIG2 (protocol/mitig2/client.ts), with a dataset of ours.
 * @module */
import { accuracyOf } from "../data/dataset.ts";
import { loadDataset } from "../data/load.ts";
import { AUTHORS, MODERN, type Setting } from "../nn/optimizer.ts";
import { Checkpoints } from "../net/checkpoints.ts";
import { type Beginning, classify, decodeModel, train } from "../protocol/mitig2/client.ts";
import { runCommand, type Values } from "./args.ts";
import { placeOf, rngOf, seedFlag } from "./party.ts";
import { connectFlags, PartyRun, percent, round } from "./party_client.ts";

/** The test accuracy that the paper reports. */
const PAPER_ACCURACY = 0.968;

const command = {
  name: "mitig2:client",
  summary: `Trains a network with a server that never sees the images or W1 (split learning).

It sends z1 = W1·x, and the labels unless --labels client. Start deno task mitig2:server first; for
one on another machine give --url wss://its-name:8443 and copy its cert.pem and token to --identity.
A training that was interrupted goes on after the last epoch that both sides hold intact when the same
command is given again. The finished W1 is DIR/model.safetensors; --predict uses it.

--json: testAccuracy, seconds (from connecting to the saved model), secondsTo968 (to the end of the first
epoch of this run with a test accuracy of at least 96.8 %, else null), bytesUp, bytesDown (messages,
without TLS), session, resumedFrom, source (of W1's randomness), epochs, and what was asked for.`,
  flags: {
    setting: {
      type: "choice",
      choices: ["modern", "authors"],
      default: "modern",
      help: "modern: Adam, softmax, shuffled; authors: plain gradient descent, sigmoid, in order",
    },
    dataset: {
      type: "choice",
      choices: ["mnist-full", "mnist", "fashion-mnist"],
      default: "mnist-full",
      help: "all but mnist are fetched when first asked for",
    },
    labels: {
      type: "choice",
      choices: ["server", "client"],
      default: "server",
      help: "who has the labels and takes the loss; client: one round trip more a batch",
    },
    hidden: {
      type: "integer",
      min: 1,
      max: 2 ** 16,
      default: 300,
      help: "units of the first layer",
    },
    epochs: {
      type: "integer",
      min: 1,
      max: 10_000,
      help: `passes over the training images (default: ${MODERN.epochs})`,
    },
    batch: {
      type: "integer",
      min: 1,
      max: 2 ** 16,
      help: `images a step (default: ${MODERN.batch}; authors: ${AUTHORS.batch})`,
    },
    workers: {
      type: "integer",
      min: 0,
      max: 1024,
      help: "threads for the first layer (default: the machine's cores)",
    },
    ...connectFlags,
    "insecure-seed": seedFlag("W1 and the order of the images"),
    directory: {
      type: "path",
      placeholder: "DIR",
      default: "data/mitig2/client",
      help: "where the checkpoints and the model are kept",
    },
    fresh: { type: "switch", help: "discard an unfinished training that is kept there" },
    predict: {
      type: "switch",
      help: "classify the test images with the finished model instead of training",
    },
  },
} as const;

type Options = Values<typeof command.flags>;

function settingOf({ setting, epochs, batch }: Options): Setting {
  const base = setting === "authors" ? AUTHORS : MODERN;
  return { ...base, epochs: epochs ?? base.epochs, batch: batch ?? base.batch };
}

await runCommand(command, async (options) => {
  const { dataset, labels, hidden, workers = navigator.hardwareConcurrency, fresh, json } = options;
  const setting = settingOf(options);
  const checkpoints = new Checkpoints(options.directory);
  const model = options.predict ? await checkpoints.readModel(decodeModel) : null;
  if (options.predict && model === null) {
    throw new Error(`Cannot predict: there is no finished model in ${checkpoints.directory}`);
  }
  const server = await placeOf("mitig2:server", options.url, options.identity);
  const data = await loadDataset(dataset, (message) => console.error(message));
  const run = new PartyRun(command.name, checkpoints);
  const { transcript, signal } = run;
  return await run.over([server], async (connection) => {
    if (model) {
      const classes = await classify(connection, model, data.test.x, { transcript, signal });
      const session = model.session.toHex();
      const images = classes.length;
      return run.finish(accuracyOf(classes, data.test.y), json, { session, dataset, images });
    }
    let beginning: Beginning | undefined;
    let secondsTo968: number | null = null;
    const { predictions } = await train(connection, data, {
      ...{ hidden, setting, labels, workers, checkpoints, fresh, transcript, signal },
      rng: rngOf(options),
      onNotice: (line) => console.error(`${command.name}: ${line}`),
      onBegin(agreed) {
        beginning = agreed;
        const { session, resumedFrom, source } = agreed;
        run.begin(resumedFrom ?? 0);
        console.error(
          resumedFrom === null
            ? `session ${session}, W1 from ${source}`
            : `resuming session ${session} after epoch ${resumedFrom}, W1 from ${source}`,
        );
      },
      onEpoch({ epoch, epochs, loss, testAccuracy }) {
        if (testAccuracy >= PAPER_ACCURACY) secondsTo968 ??= round(run.seconds, 3);
        const more = `  loss ${loss.toFixed(4)}  test accuracy ${percent(testAccuracy)}`;
        run.say("epoch", epoch, epochs, more);
      },
    });
    run.finish(accuracyOf(predictions, data.test.y), json, {
      ...{ secondsTo968, ...beginning, epochs: setting.epochs, dataset, setting: options.setting },
      ...{ labels, hidden, batch: setting.batch, workers },
    });
  });
});
