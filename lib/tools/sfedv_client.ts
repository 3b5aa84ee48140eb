/** `deno task sfedv:client`: the parties of a vertical training under quadratic encryption, in one process, each with its
 * own columns and connections (protocol/sfedv/party.ts).
 * @module */
import { columnsOf } from "../fe/qfe_batch.ts";
import { secureRng } from "../math/rng.ts";
import { rightSides } from "../nn/linear.ts";
import { announce, openSession, takePart } from "../protocol/sfedv/party.ts";
import { patientTerms, rowsOfSamples } from "../study/encrypted_patients.ts";
import { firstSamples } from "../study/gram_once.ts";
import { PATIENTS, patientSamples } from "../study/patients.ts";
import { runCommand } from "./args.ts";
import { authorityFlags, placeOf } from "./party.ts";
import { connectFlags, PartyRun } from "./party_client.ts";

const natural = (value: number, max: number, help: string) => (
  { type: "integer", min: 1, max, default: value, help } as const
);
const flags = {
  samples: natural(455, 455, "patients that train, in batches of 16"),
  epochs: natural(1, 10_000, `passes over them; ${PATIENTS.epochs} reach 97 %`),
  parties: natural(2, 32, "that share the 30 measurements and the diagnosis between them"),
  ...connectFlags,
  ...authorityFlags,
} as const;

const summary =
  `Trains a linear model on patients whose columns lie with several parties: quadratic functional
encryption, SFedV.

Each party encrypts its columns, once; the aggregator asks the authority for keys of its model and learns each
batch's gradient, from which, at sixteen visits of a batch, each patient follows (notebook 07). Start
deno task sfedv:authority and deno task sfedv:aggregator first; for those on other machines give --url and
--authority, and copy the cert.pem and token of each to --identity and --authority-identity. A step takes the
aggregator 0.3 s on two cores, reading the 455 patients 20 s.

--json: testAccuracy, seconds (from connecting to the weights), bytesUp, bytesDown (messages of all parties, without
TLS), weights (30 and the bias), and what was asked for.`;

await runCommand({ name: "sfedv:client", summary, flags }, async (options) => {
  const { samples, epochs, parties, url, identity, json } = options;
  const places = [
    await placeOf("sfedv:aggregator", url, identity),
    await placeOf("sfedv:authority", options.authority, options["authority-identity"]),
  ];
  const { train, test } = await patientSamples();
  const own = firstSamples(train, samples);
  const terms = patientTerms(own, epochs);
  const columns = columnsOf(own.n);
  const starts = Array.from({ length: parties }, (_, i) => Math.floor(i * columns / parties));
  const run = new PartyRun("sfedv:client");
  const all = Array.from({ length: parties + 1 }, () => places).flat();
  return await run.over(all, async (aggregator, authority, ...others) => {
    const session = await openSession(authority, terms, starts);
    const ticket = await announce(aggregator, terms, session.aggregator);
    console.error(`patients: ${samples} samples, ${parties} parties`);
    const [maskSecret, u] = [secureRng().bytes(32), rowsOfSamples(own)];
    const { transcript, signal } = run;
    const [weights] = await Promise.all(starts.map((from, i) => {
      const to = starts[i + 1] ?? columns;
      const connections = { aggregator: others[2 * i], authority: others[2 * i + 1] };
      const invitation = { terms, token: session.parties[i], ticket, maskSecret, from, to };
      const slice = u.map((row) => row.subarray(from, to));
      return takePart(connections, invitation, slice, { transcript, signal });
    }));
    run.finish(rightSides(weights, test) / test.count, json, {
      ...{ samples, epochs, parties, weights: [...weights] },
    });
  });
});
