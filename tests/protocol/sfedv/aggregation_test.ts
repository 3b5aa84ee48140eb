import { assertEquals, assertRejects } from "@std/assert";
import { gaussian, secureRng, seededRng } from "lib/math/rng.ts";
import { type Connection, ConnectionError, inProcess } from "lib/net/connection.ts";
import { Aggregation } from "lib/protocol/sfedv/aggregation.ts";
import { Authority } from "lib/protocol/sfedv/authority.ts";
import { trainPlain } from "lib/protocol/sfedv/in_process.ts";
import { type LinearTerms, toSamples } from "lib/protocol/sfedv/linear.ts";
import { announce, openSession, takePart } from "lib/protocol/sfedv/party.ts";

const terms: LinearTerms = {
  ...{ n: 2, count: 3, batch: 2, epochs: 1, learningRate: 0.1 },
  ...{ featureBits: 4, weightBits: 6, boundX: 2 ** 7, boundY: 2 ** 5 },
};
const x = Array.from({ length: 3 }, (_, i) => gaussian(seededRng(i), 2));

/** An authority and an aggregator of several trainings. */
function parties() {
  const authority = new Authority();
  const events: string[] = [];
  const aggregation = new Aggregation({
    authority: () => Promise.resolve(authority.connect()),
    workers: 0,
  });
  const connect = () => {
    const [ours, theirs] = inProcess();
    aggregation.serve(theirs, { onEvent: (line) => events.push(line) });
    return ours;
  };
  return { authority, connect, events };
}

/** Trains alone. */
async function train(
  { authority, connect }: ReturnType<typeof parties>,
  labels: number[],
): Promise<Float64Array> {
  const [opening, announcing] = [authority.connect(), connect()];
  const { aggregator, parties: [token] } = await openSession(opening, terms, [0]);
  const ticket = await announce(announcing, terms, aggregator);
  const connections = { authority: authority.connect(), aggregator: connect() };
  const maskSecret = secureRng().bytes(32);
  const invitation = { terms, token, ticket, maskSecret, from: 0, to: 4 };
  const weights = await takePart(connections, invitation, toSamples(terms, x, labels));
  for (const one of [opening, announcing, ...Object.values(connections)]) one.close();
  return weights;
}

Deno.test("Aggregation trains two models at once, each for its own parties", async () => {
  const all = parties();
  const labels = [[2, -2, 2], [-2, -2, 2]];
  const found = await Promise.all(labels.map((own) => train(all, own)));
  const plain = labels.map((own) => trainPlain(terms, toSamples(terms, x, own)));
  assertEquals(found, (await Promise.all(plain)).map(({ weights }) => weights));
  assertEquals(
    all.events.filter((line) => line === "training finished after 2 steps").length,
    2,
  );
});

Deno.test("Aggregation refuses a foreign ticket, and one whose training has ended", async () => {
  const { authority, connect } = parties();
  const opening = authority.connect();
  const { aggregator, parties: [token] } = await openSession(opening, terms, [0]);
  const join = (aggregator: Connection, ticket: Uint8Array) =>
    takePart({ authority: authority.connect(), aggregator }, {
      ...{ terms, token, ticket, maskSecret: new Uint8Array(32), from: 0, to: 4 },
    }, toSamples(terms, x, [2, 2, 2]));
  const refused = "there is no training of that ticket";
  await assertRejects(() => join(connect(), new Uint8Array(16)), ConnectionError, refused);
  const announcing = connect();
  const ticket = await announce(announcing, terms, aggregator);
  await assertRejects(() => announce(announcing, terms, aggregator), ConnectionError);
  await assertRejects(() => join(connect(), ticket), ConnectionError, refused);
  opening.close();
});
