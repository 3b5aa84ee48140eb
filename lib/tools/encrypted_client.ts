/** `deno task mitig1:client` and `deno task cryptonn:client`: the clients that train on pooled digits which leave them
 * encrypted only (protocol/mitig1/client.ts, protocol/cryptonn/client.ts).
 * @module */
import { accuracyOf, type Dataset, firstImages, poolImages } from "../data/dataset.ts";
import { loadMnist } from "../data/mnist.ts";
import type { Connection } from "../net/connection.ts";
import type { Transcript } from "../net/transcript.ts";
import * as cryptonn from "../protocol/cryptonn/client.ts";
import * as mitig1 from "../protocol/mitig1/client.ts";
import { KEYS_PER, type KeysPer } from "../protocol/mitig1/master_keys.ts";
import { runCommand, UsageError, type Values } from "./args.ts";
import { authorityFlags, type Place, placeOf, rngOf, seedFlag } from "./party.ts";
import { connectFlags, PartyRun, round } from "./party_client.ts";

const natural = (value: number, max: number, help: string) => (
  { type: "integer", min: 1, max, default: value, help } as const
);
const flags = {
  samples: natural(200, 9000, "training images"),
  test: natural(100, 1000, "test images to classify at the end, encrypted too"),
  pool: natural(4, 28, "pools blocks of so many by so many pixels; divides 28"),
  hidden: natural(16, 2 ** 12, "units of the first layer"),
  batch: natural(20, 9000, "images a step; divides --samples"),
  epochs: natural(5, 10_000, "passes over the training images"),
  "learning-rate": {
    type: "text",
    placeholder: "X",
    default: "2",
    help: "of plain gradient descent",
  },
  ...connectFlags,
} as const;

const JSON_HELP = `The images are MNIST digits, pooled.

--json: testAccuracy, seconds (from connecting to the predictions), trainSeconds (of them, to the last step),
bytesUp, bytesDown (messages, without TLS), `;

/** What both trainings are told. */
interface Common {
  readonly hidden: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly transcript: Transcript;
  readonly signal: AbortSignal;
  readonly onEncrypt: (done: number, total: number) => void;
  readonly onStep: (done: number, total: number, loss: number) => void;
}

/** Connects, trains, classifies unseen digits and says how it went. @param own what only a client of MITIG1
 * says: where its W1 is from, what shares a master key. */
async function trainAndClassify(
  task: string,
  options: Values<typeof flags>,
  places: readonly Place[],
  train: (
    images: Dataset,
    common: Common,
    connections: readonly Connection[],
  ) => Promise<(pixels: Uint8Array) => Promise<Uint8Array>>,
  own?: { readonly source: string; readonly keysPer: KeysPer },
): Promise<number> {
  const { samples, test, pool, hidden, batch, epochs, json } = options;
  const learningRate = Number(options["learning-rate"]);
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new UsageError(
      `--learning-rate must be a positive number: got "${options["learning-rate"]}"`,
    );
  }
  const digits = await loadMnist();
  const images = firstImages(poolImages(digits.train, pool), samples);
  const unseen = firstImages(poolImages(digits.test, pool), test);
  const run = new PartyRun(task);
  const { transcript, signal } = run;
  return await run.over(places, async (...connections) => {
    console.error(`${images.name}, ${images.n} pixels${own ? `, W1 from ${own.source}` : ""}`);
    const started = run.seconds;
    let last = NaN;
    const onEncrypt = (done: number, total: number) => run.say("encrypted", done, total);
    const onStep = (done: number, total: number, loss: number) => {
      last = loss;
      run.say("step", done, total, `  loss ${loss.toFixed(4)}`);
    };
    const common = { hidden, batch, learningRate, transcript, signal, onEncrypt, onStep };
    const classify = await train(images, common, connections);
    const trainSeconds = round(run.seconds - started, 3);
    run.finish(accuracyOf(await classify(unseen.x), unseen.y), json, {
      ...{ trainSeconds, ...own ?? { loss: last } },
      ...{ samples, test, pool, hidden, batch, epochs, learningRate },
    });
  });
}

const [name, ...args] = Deno.args;
if (name === "mitig1:client") {
  const summary =
    `Trains a network with a server that sees neither the images nor W1 (function-hiding encryption).

Every image goes to it encrypted, once; every step sends keys for the rows of W1, which say nothing about
them. Start deno task mitig1:server first; for one on another machine give --url wss://its-name:8443
and copy its cert.pem and token to --identity. A step costs the server about 15 ms a core for each image and
hidden unit at 7×7 pixels. ${JSON_HELP}source (of W1's randomness), keysPer, and what was asked for.`;
  const all = {
    ...flags,
    "keys-per": {
      type: "choice",
      choices: KEYS_PER,
      default: "batch",
      help:
        "what shares a master key; under the paper's one for the training each key opens every image",
    },
    "insecure-seed": seedFlag("W1"),
  } as const;
  await runCommand({ name, summary, flags: all }, async (options) => {
    const server = await placeOf("mitig1:server", options.url, options.identity);
    const [rng, { epochs, "keys-per": keysPer }] = [rngOf(options), options];
    return await trainAndClassify(name, options, [server], async (images, common, [server]) => {
      const model = await mitig1.train(server, images, { ...common, epochs, keysPer, rng });
      return (pixels) => mitig1.classify(model, pixels);
    }, { source: rng.source, keysPer });
  }, args);
} else if (name === "cryptonn:client") {
  const summary =
    `Trains a network with a server that has the images encrypted only, and W1 in the clear (CryptoNN).

Every image goes to it encrypted twice, as a row and in columns of its batch; the server asks the authority for
keys. Start deno task cryptonn:authority and deno task cryptonn:server first; for those on other machines
give --url and --authority, and copy the cert.pem and token of each to --identity and --authority-identity.
${JSON_HELP}loss (of the last step), and what was asked for.`;
  await runCommand({ name, summary, flags: { ...flags, ...authorityFlags } }, async (options) => {
    const { url, identity, authority, "authority-identity": theirs } = options;
    const places = [
      await placeOf("cryptonn:server", url, identity),
      await placeOf("cryptonn:authority", authority, theirs),
    ];
    const steps = options.samples / options.batch * options.epochs;
    return await trainAndClassify(name, options, places, async (images, common, connections) => {
      const [server, authority] = connections;
      const model = await cryptonn.train({ server, authority }, images, { ...common, steps });
      return (pixels) => cryptonn.classify(model, pixels);
    });
  }, args);
} else {
  console.error(`encrypted_client: no party is called ${name}`);
  Deno.exit(2);
}
