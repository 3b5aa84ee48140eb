/** `deno task mitig1:client`: the client of MITIG1 (protocol/mitig1/client.ts), with pooled digits.
 * @module */
import { firstImages, poolImages } from "../data/dataset.ts";
import { loadMnist } from "../data/mnist.ts";
import { predict, train } from "../protocol/mitig1/client.ts";
import { runCommand, UsageError } from "./args.ts";
import { loadServerCredentials, PartyRun } from "./party_client.ts";
import { connectFlags, rngOf } from "./party_flags.ts";

const natural = (value: number, max: number, help: string) => (
  { type: "integer", min: 1, max, default: value, help } as const
);

const command = {
  name: "mitig1:client",
  summary:
    `Trains a network with a server that sees neither the images nor W1 (function-hiding encryption).

Every image goes to it encrypted, once; every step sends keys for the rows of W1, which say nothing about
them. Start deno task mitig1:server first; for one on another machine give --url wss://its-name:8443
and copy its cert.pem and token to --identity. The images are MNIST digits, pooled: a step costs the
server about 15 ms a core for each image and hidden unit at 7×7 pixels.

--json: testAccuracy, seconds (from connecting to the predictions), trainSeconds (of them, to the last step),
bytesUp, bytesDown (messages, without TLS), source (of W1's randomness), and what was asked for.`,
  flags: {
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
  },
} as const;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) {
    throw new UsageError(`--${name} must be a positive number: got "${text}"`);
  }
  return value;
}

/** A line on stderr now and then, with the time that is left. */
class Progress {
  #started = performance.now();
  #last = -Infinity;

  say(what: string, done: number, total: number, more = ""): void {
    if (done === 1 || this.#last === Infinity) [this.#started, this.#last] = [performance.now(), 0];
    const elapsed = (performance.now() - this.#started) / 1000;
    if (done < total && elapsed - this.#last < 1) return;
    this.#last = done === total ? Infinity : elapsed;
    const left = done === 1 ? "" : `, ${(elapsed / (done - 1) * (total - done)).toFixed(0)} s left`;
    console.error(`${what} ${done}/${total}${more}  ${elapsed.toFixed(1)} s${left}`);
  }
}

await runCommand(command, async (options) => {
  const { samples, test, pool, hidden, batch, epochs, json } = options;
  const learningRate = positive("learning-rate", options["learning-rate"]);
  const credentials = await loadServerCredentials(command.name, options.identity);
  const digits = await loadMnist();
  const images = firstImages(poolImages(digits.train, pool), samples);
  const unseen = firstImages(poolImages(digits.test, pool), test);
  const rng = rngOf(options);
  const run = new PartyRun(command.name);
  const { transcript, signal } = run;
  return await run.over({ ...credentials, url: options.url }, async (connection) => {
    const started = performance.now();
    const progress = new Progress();
    console.error(`${images.name}, ${images.n} pixels, W1 from ${rng.source}`);
    const model = await train(connection, images, {
      ...{ hidden, batch, epochs, learningRate, rng, transcript, signal },
      onEncrypt: (done, total) => progress.say("encrypted", done, total),
      onStep: (done, total, loss) => progress.say("step", done, total, `  loss ${loss.toFixed(4)}`),
    });
    const trainSeconds = Number(((performance.now() - started) / 1000).toFixed(3));
    const classes = await predict(model, unseen.x);
    const right = classes.reduce((sum, c, i) => sum + Number(c === unseen.y[i]), 0);
    run.finish(right / test, json, {
      ...{ trainSeconds, source: rng.source, samples, test, pool, hidden, batch, epochs },
      learningRate,
    });
  });
});
