/** `deno task sfedv:party`: a party of a training on patients whose columns lie with several (protocol/sfedv/party.ts).
 * Party 1 has the labels, opens the training and writes an invitation for each other party.
 * @module */
import { loadPatients, rowsOf, type SplitTable } from "../data/tables.ts";
import { columnsOf } from "../fe/qfe_batch.ts";
import { secureRng } from "../math/rng.ts";
import type { Connection } from "../net/connection.ts";
import { rightSides } from "../nn/linear.ts";
import { LABEL, type LinearSamples, linearSamples, momentsOf } from "../nn/linear_samples.ts";
import {
  type NamedInvitation,
  readInvitation,
  writeInvitation,
} from "../protocol/sfedv/invitation.ts";
import type { LinearTerms } from "../protocol/sfedv/linear.ts";
import { enterTraining, openSession, openTraining, takePart } from "../protocol/sfedv/party.ts";
import { runCommand, UsageError, type Values } from "./args.ts";
import { authorityFlags, placeOf } from "./party.ts";
import { connectFlags, PartyRun } from "./party_client.ts";

/** Fixed point as in notebook 07; standardised features lie within 16 deviations. */
const FIXED_POINT = {
  ...{ featureBits: 5, weightBits: 8 },
  ...{ boundX: 2 ** 9, boundY: LABEL * 2 ** 5 },
} as const;

/** What party 1 decides where it is not told; whoever was invited is told by the invitation. */
const DECIDED = { parties: 2, samples: 455, batch: 16, epochs: 17, "learning-rate": "0.01" };
const natural = (name: keyof typeof DECIDED, min: number, max: number, help: string) => (
  { type: "integer", min, max, help: `${help} (default: ${DECIDED[name]})` } as const
);
const flags = {
  invitation: {
    type: "path",
    placeholder: "FILE",
    help:
      "take part in the training that this file of party 1 invites to; without it this is party 1",
  },
  invitations: {
    type: "path",
    placeholder: "DIR",
    default: "data/sfedv",
    help: "where party 1 writes party-2.invitation and so on",
  },
  parties: natural("parties", 2, 8, "parties, the first included"),
  samples: natural("samples", 2, 455, "patients to train on"),
  batch: natural("batch", 1, 455, "patients a step"),
  epochs: natural("epochs", 1, 10_000, "passes over the patients"),
  "learning-rate": {
    type: "text",
    placeholder: "X",
    help: `of plain gradient descent (default: ${DECIDED["learning-rate"]})`,
  },
  ...connectFlags,
  ...authorityFlags,
} as const;

/** The patients in integers, `count` of them to train on. Each column is standardised by itself, as the party that has
 * it can do alone. */
function patients({ train, test }: SplitTable, count: number) {
  const rows = rowsOf(train, Array.from({ length: count }, (_, i) => i));
  const options = { moments: momentsOf(rows), scaleBits: FIXED_POINT.featureBits };
  return { train: linearSamples(rows, options), test: linearSamples(test, options) };
}

/** Columns from … to − 1 of each sample. */
function columnsFrom({ n, u, count }: LinearSamples, from: number, to: number): Int32Array[] {
  const at = (i: number) => i * columnsOf(n);
  return Array.from({ length: count }, (_, i) => u.subarray(at(i) + from, at(i) + to));
}

/** The terms that party 1 states. @throws {UsageError} a learning rate that is none. */
function termsOf(
  { samples: count = DECIDED.samples, batch = DECIDED.batch, epochs = DECIDED.epochs, ...options }:
    Values<typeof flags>,
  n: number,
): LinearTerms {
  const text = options["learning-rate"] ?? DECIDED["learning-rate"];
  const learningRate = Number(text);
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new UsageError(`--learning-rate must be a positive number: got "${text}"`);
  }
  return { n, count, batch, epochs, learningRate, ...FIXED_POINT };
}

/** Opens the training and invites: the columns in equal parts, the last with the labels, which party 1 keeps.
 * @returns party 1's own invitation, and the files of the others'. */
async function invite(
  terms: LinearTerms,
  { parties, directory }: { readonly parties: number; readonly directory: string },
  { aggregator, session }: { readonly aggregator: Connection; readonly session: Connection },
): Promise<{ own: NamedInvitation; files: string[] }> {
  const starts = Array.from({ length: parties }, (_, k) => Math.floor(k * terms.n / parties));
  const cuts = [...starts, columnsOf(terms.n)];
  const tokens = await openSession(session, terms, starts);
  const training = await openTraining(aggregator, terms, tokens.aggregator);
  const maskSecret = secureRng().bytes(32);
  const invitations = tokens.parties.map((token, k) => (
    { terms, token, maskSecret, training, from: cuts[k], to: cuts[k + 1] }
  ));
  const own = invitations.pop()!;
  const files: string[] = [];
  for (const [k, invitation] of invitations.entries()) {
    files.push(await writeInvitation(directory, k + 2, invitation));
  }
  return { own, files };
}

const NAME = "sfedv:party";
const summary =
  `Trains a linear model on patients (Wisconsin breast cancer) whose columns lie with several parties, by quadratic
functional encryption: the aggregator decrypts the gradient of each batch and nothing else. That is enough: of a
batch of up to 31 patients each follows exactly from as many visits, as with these defaults (notebook 07).

Party 1 has the last columns and the diagnoses. It opens the training and writes an invitation for each other
party, which takes part by
  deno task ${NAME} --invitation data/sfedv/party-2.invitation
Copy it to another machine by a way that the aggregator does not see: with it, the aggregator reads every
column. Start deno task sfedv:authority and deno task sfedv:aggregator first; for those on other machines
give --url and --authority, and copy the cert.pem and token of each to --identity and --authority-identity.
Each party learns the weights. The test patients, for the accuracy alone, are whole at each.

--json: testAccuracy, seconds, bytesUp, bytesDown (messages, without TLS), weights (of the 30 features, then the
bias), from, to (the party's columns; 30 is the bias's constant, 31 the diagnosis), and the terms.`;

await runCommand({ name: NAME, summary, flags }, async (options) => {
  const { url, identity, authority, "authority-identity": theirs, json, parties } = options;
  const given = options.invitation;
  const extra = (Object.keys(DECIDED) as (keyof typeof DECIDED)[])
    .find((flag) => options[flag] !== undefined);
  if (given !== undefined && extra !== undefined) {
    throw new UsageError(`--${extra} is party 1's to say: the invitation holds it`);
  }
  const invited = given === undefined ? null : await readInvitation(given);
  const table = await loadPatients();
  const terms = invited?.terms ?? termsOf(options, table.train.n);
  if (terms.n !== table.train.n || terms.count > table.train.count) {
    throw new Error(
      `Cannot take part: ${terms.count} samples of ${terms.n} features, but there are ` +
        `${table.train.count} patients of ${table.train.n}`,
    );
  }
  const { train, test } = patients(table, terms.count);
  const keys = await placeOf("sfedv:authority", authority, theirs);
  const places = [await placeOf("sfedv:aggregator", url, identity), keys, keys];
  const run = new PartyRun(NAME);
  const { transcript, signal } = run;
  return await run.over(invited === null ? places : places.slice(0, 2), async (...connections) => {
    const [aggregator, authority, session] = connections;
    let files: string[] = [];
    let own: NamedInvitation;
    try {
      if (invited === null) {
        const how = { parties: parties ?? DECIDED.parties, directory: options.invitations };
        ({ own, files } = await invite(terms, how, { aggregator, session }));
        for (const file of files) console.error(`invited: ${NAME} --invitation ${file}`);
      } else {
        await enterTraining(aggregator, invited.training);
        own = invited;
      }
      const { from, to } = own;
      console.error(
        `${terms.count} patients, columns ${from} to ${to - 1} of ${columnsOf(terms.n)}`,
      );
      const columns = columnsFrom(train, from, to);
      const weights = await takePart({ authority, aggregator }, own, columns, {
        ...{ transcript, signal },
        onEncrypt(done, total) {
          run.say("encrypted batch", done, total);
          if (done === total) console.error("all is with the aggregator; waiting for the weights");
        },
      });
      const { count, batch, epochs, learningRate } = terms;
      run.finish(rightSides(weights, test) / test.count, json, {
        ...{ weights: [...weights], from, to },
        ...{ samples: count, batch, epochs, learningRate },
      });
    } finally {
      for (const file of files) await Deno.remove(file).catch(() => {}); // nobody can use it now
    }
  });
});
