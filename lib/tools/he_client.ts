/** `deno task he:client`: the client that trains on ciphertexts (protocol/he/client.ts).
 * @module */
import { type ExampleName, EXAMPLES, loadExample } from "../he/examples.ts";
import { countRight } from "../he/learner.ts";
import { train } from "../protocol/he/client.ts";
import { runCommand } from "./args.ts";
import { placeOf, rngOf, seedFlag } from "./party.ts";
import { connectFlags, PartyRun, round } from "./party_client.ts";

const flags = {
  data: {
    type: "choice",
    choices: Object.keys(EXAMPLES) as ExampleName[],
    default: "patients",
    help: "breast cancer with a linear model, flowers with 4-7-3, digits of 7×7 with 49-16-10",
  },
  epochs: {
    type: "integer",
    min: 1,
    max: 10_000,
    help: "passes over the training samples (default: " +
      `${Object.entries(EXAMPLES).map(([name, { epochs }]) => `${name} ${epochs}`).join(", ")})`,
  },
  ...connectFlags,
  "insecure-seed": seedFlag("the network's first weights"),
} as const;

const summary =
  `Trains with a server that sees only ciphertexts (CKKS): not the data, the labels, the weights, or how
well they fit.

Keys go to it once (10 MB for patients, 110 to 120 MB for the networks), each batch once, the weights at every step,
encrypted anew; it returns the gradients encrypted, and each step of Adam is taken here. Start deno task
he:server first; for one on another machine give --url wss://its-name:8443 and copy its cert.pem and token to
--identity. A step takes the server 0.1 s for patients, 0.5 s for flowers and digits.

--json: testAccuracy, trainAccuracy, seconds (from connecting to the last step), stepSeconds (of them, a step),
bytesUp, bytesDown (messages, without TLS), data, epochs, steps, source (of the first weights).`;

await runCommand({ name: "he:client", summary, flags }, async (options) => {
  const { data, json } = options;
  const example = await loadExample(data);
  const epochs = options.epochs ?? example.setting.epochs;
  const setting = { ...example.setting, epochs };
  const server = await placeOf("he:server", options.url, options.identity);
  const [rng, run] = [rngOf(options), new PartyRun("he:client")];
  const { transcript, signal } = run;
  return await run.over([server], async (connection) => {
    const { count, n } = example.train;
    console.error(`${data}: ${count} samples of ${n - 1} numbers, weights from ${rng.source}`);
    let [steps, first] = [0, 0];
    const weights = await train(connection, example.train, {
      ...{ ...setting, rng, transcript, signal },
      onStep(done, total) {
        steps = total;
        if (done === 1) first = run.seconds;
        run.say("step", done, total);
      },
    });
    const stepSeconds = steps > 1 ? round((run.seconds - first) / (steps - 1), 3) : null;
    const share = (part: typeof example.train) => countRight(part, weights) / part.count;
    run.finish(share(example.test), json, {
      ...{ trainAccuracy: share(example.train), stepSeconds },
      ...{ data, epochs, steps, source: rng.source },
    });
  });
});
