/** `deno task mitig1:client` and `deno task cryptonn:client`: the clients that train on pooled digits which leave them
 * encrypted only (protocol/mitig1/client.ts, protocol/cryptonn/client.ts).
 * @module */
import { accuracyOf, type Dataset, firstImages, poolImages } from "../data/dataset.ts";
import { loadMnist } from "../data/mnist.ts";
import type { Connection } from "../net/connection.ts";
import * as cryptonn from "../protocol/cryptonn/client.ts";
import * as mitig1 from "../protocol/mitig1/client.ts";
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

const JSON_HELP =
  `--json: testAccuracy, seconds (from connecting to the predictions), trainSeconds (of them, to the last step),
bytesUp, bytesDown (messages, without TLS), `;

/** Connects, trains, classifies unseen digits and says how it went. */
async function trainAndClassify(
  task: string,
  options: Values<typeof flags>,
  servers: readonly Place[],
  train: (
    run: PartyRun,
    images: Dataset,
    learningRate: number,
    connections: readonly Connection[],
  ) => Promise<{ classify: (pixels: Uint8Array) => Promise<Uint8Array>; more: object }>,
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
  return await run.over(servers, async (...connections) => {
    const started = run.seconds;
    const { classify, more } = await train(run, images, learningRate, connections);
    const trainSeconds = round(run.seconds - started, 3);
    run.finish(accuracyOf(await classify(unseen.x), unseen.y), json, {
      ...{ trainSeconds, ...more, samples, test, pool, hidden, batch, epochs, learningRate },
    });
  });
}

const lossText = (loss: number) => `  loss ${loss.toFixed(4)}`;

const [name, ...args] = Deno.args;
if (name === "mitig1:client") {
  const summary =
    `Trains a network with a server that sees neither the images nor W1 (function-hiding encryption).

Every image goes to it encrypted, once; every step sends keys for the rows of W1, which say nothing about
them. Start deno task mitig1:server first; for one on another machine give --url wss://its-name:8443
and copy its cert.pem and token to --identity. The images are MNIST digits, pooled: a step costs the
server about 15 ms a core for each image and hidden unit at 7×7 pixels.

${JSON_HELP}source (of W1's randomness), and what was asked for.`;
  const all = { ...flags, "insecure-seed": seedFlag("W1") } as const;
  await runCommand({ name, summary, flags: all }, async (options) => {
    const server = await placeOf("mitig1:server", options.url, options.identity);
    const { hidden, batch, epochs } = options;
    return await trainAndClassify(
      name,
      options,
      [server],
      async (run, images, learningRate, [to]) => {
        const rng = rngOf(options);
        console.error(`${images.name}, ${images.n} pixels, W1 from ${rng.source}`);
        const model = await mitig1.train(to, images, {
          ...{ hidden, batch, epochs, learningRate, rng },
          ...{ transcript: run.transcript, signal: run.signal },
          onEncrypt: (done, total) => run.say("encrypted", done, total),
          onStep: (done, total, loss) => run.say("step", done, total, lossText(loss)),
        });
        return { classify: (x) => mitig1.classify(model, x), more: { source: rng.source } };
      },
    );
  }, args);
} else if (name === "cryptonn:client") {
  const summary =
    `Trains a network with a server that has the images encrypted only, and W1 in the clear (CryptoNN).

Every image goes to it encrypted twice, as a row and in columns of its batch; the server asks the authority for
keys. Start deno task cryptonn:authority and deno task cryptonn:server first; for those on other machines
give --url and --authority, and copy the cert.pem and token of each to --identity and --authority-identity.
The images are MNIST digits, pooled.

${JSON_HELP}loss (of the last step), and what was asked for.`;
  await runCommand({ name, summary, flags: { ...flags, ...authorityFlags } }, async (options) => {
    const { hidden, batch, epochs, samples } = options;
    const places = [
      await placeOf("cryptonn:server", options.url, options.identity),
      await placeOf("cryptonn:authority", options.authority, options["authority-identity"]),
    ];
    return await trainAndClassify(
      name,
      options,
      places,
      async (run, images, learningRate, [server, authority]) => {
        console.error(`${images.name}, ${images.n} pixels`);
        let loss = NaN;
        const model = await cryptonn.train({ server, authority }, images, {
          ...{ hidden, batch, learningRate, steps: samples / batch * epochs },
          ...{ transcript: run.transcript, signal: run.signal },
          onEncrypt: (done, total) => run.say("encrypted", done, total),
          onStep(done, total, now) {
            loss = now;
            run.say("step", done, total, lossText(loss));
          },
        });
        return { classify: (x) => cryptonn.classify(model, x), more: { loss } };
      },
    );
  }, args);
} else {
  console.error(`encrypted_client: no party is called ${name}`);
  Deno.exit(2);
}
