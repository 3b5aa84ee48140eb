import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { secureRng, seededRng } from "lib/math/rng.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { Requests } from "lib/net/requests.ts";
import { Authority } from "lib/protocol/sfedv/authority.ts";
import { trainPlain } from "lib/protocol/sfedv/in_process.ts";
import { linearFields, type LinearTerms } from "lib/protocol/sfedv/linear.ts";
import { enterTraining, openSession, openTraining, takePart } from "lib/protocol/sfedv/party.ts";
import { Trainings } from "lib/protocol/sfedv/trainings.ts";

const terms: LinearTerms = {
  ...{ n: 2, count: 3, batch: 2, epochs: 2, learningRate: 0.1 },
  ...{ featureBits: 4, weightBits: 6, boundX: 2 ** 7, boundY: 2 ** 5 },
};
const samples = (seed: number) =>
  Array.from(
    { length: 3 },
    (_, i) => Int32Array.from([...seededRng(seed + i).bytes(2).map((v) => v >> 2), 16, 32]),
  );

/** An aggregator and an authority, and what they say. */
function parties() {
  const trainings = new Trainings();
  const authority = new Authority();
  const events: string[] = [];
  const options = {
    authority: () => Promise.resolve(authority.connect()),
    onEvent: (line: string) => void events.push(line),
  };
  const dial = () => {
    const [ours, theirs] = inProcess();
    return { connection: ours, ended: trainings.serve(theirs, options) };
  };
  return { authority, dial, events };
}
type Parties = ReturnType<typeof parties>;

/** Opens a training at both. */
async function open({ authority, dial }: Parties) {
  const session = authority.connect();
  const { aggregator, parties: tokens } = await openSession(session, terms, [0, 1]);
  const one = dial();
  const training = await openTraining(one.connection, terms, aggregator);
  return { session, tokens, training, one, maskSecret: secureRng().bytes(32) };
}
type Opened = Awaited<ReturnType<typeof open>>;

/** A whole training of two parties. @returns the weights of both. */
async function train(all: Parties, opened: Opened, u: Int32Array[]) {
  const { session, tokens, training, one, maskSecret } = opened;
  const two = all.dial();
  await enterTraining(two.connection, training);
  const weights = await Promise.all([two, one].map(({ connection }, k) => {
    const [from, to] = [k, k === 0 ? 1 : 4];
    const invitation = { terms, token: tokens[k], maskSecret, from, to };
    const connections = { aggregator: connection, authority: all.authority.connect() };
    return takePart(connections, invitation, u.map((row) => row.subarray(from, to)))
      .finally(() => connections.authority.close());
  }));
  for (const { connection } of [one, two]) connection.close();
  await Promise.all([one.ended, two.ended]);
  session.close();
  return weights;
}

Deno.test("Trainings serves several trainings at once, each with its own weights", async () => {
  const all = parties();
  const seeds = [1, 9];
  const ended = await Promise.all(
    seeds.map(async (seed) => await train(all, await open(all), samples(seed))),
  );
  const plain = await Promise.all(seeds.map((seed) => trainPlain(terms, samples(seed))));
  assertEquals(ended, plain.map(({ weights }) => [weights, weights]));
  assertEquals(all.events.filter((line) => line === "training finished").length, 2);
  assertEquals(all.events.filter((line) => line === "epoch 2 of 2").length, 2);
});

Deno.test("Trainings ends a training with the first party that leaves, and tells the others", async () => {
  for (const leaves of [0, 1]) {
    const all = parties();
    const { session, training, one } = await open(all);
    const two = all.dial();
    await enterTraining(two.connection, training);
    const ends = [one, two];
    const [leaver, other] = [ends[leaves], ends[1 - leaves]];
    const from = 1 - leaves;
    const asks = new Requests(other.connection);
    await asks.ask("join", { ...linearFields(terms), from, to: from + 1 }, "joined");
    const waits = asks.ask("weights", {}, "weights");
    leaver.connection.close("had enough");
    await assertRejects(() => waits, ConnectionError, "a party left (");
    assertMatch(await leaver.ended, /had enough/);
    await other.ended;
    assertMatch(all.events.at(-1)!, /^training ended: Cannot train: a party left \(.*had enough/);
    const late = all.dial();
    await assertRejects(() => enterTraining(late.connection, training), ConnectionError, "no such");
    assertMatch(await late.ended, /no such training, or it has ended/);
    session.close();
  }
});

Deno.test("takePart() tells nobody a value that it cannot encrypt, nor sends anything first", async () => {
  const all = parties();
  const { session, tokens, training, one, maskSecret } = await open(all);
  const two = all.dial();
  await enterTraining(two.connection, training);
  const asks = new Requests(two.connection);
  await asks.ask("join", { ...linearFields(terms), from: 1, to: 4 }, "joined");
  const waits = asks.ask("weights", {}, "weights");
  const authority = all.authority.connect();
  let asked = 0;
  const watched = {
    ...authority,
    send: (message: Uint8Array<ArrayBuffer>) => (asked++, authority.send(message)),
  };
  const u = samples(1).map((row) => row.subarray(0, 1));
  u[2] = Int32Array.of(137); // in the last batch
  const invitation = { terms, token: tokens[0], maskSecret, from: 0, to: 1 };
  await assertRejects(
    () => takePart({ aggregator: one.connection, authority: watched }, invitation, u),
    RangeError,
    "= 137 is not an integer in [-128, 128]",
  );
  const other = await assertRejects(() => waits, ConnectionError, "the party ended the training");
  assertEquals(asked, 0);
  for (const heard of [await one.ended, await two.ended, other.message, ...all.events]) {
    assertEquals(heard.includes("137"), false, heard);
  }
  authority.close();
  session.close();
});

Deno.test("Trainings refuses unknown names, other requests, and terms that no training can have", async () => {
  const all = parties();
  const asked = async (type: string, fields: Parameters<Requests["ask"]>[1]) => {
    const { connection, ended } = all.dial();
    await assertRejects(
      () => new Requests(connection).ask(type, fields, "opened"),
      ConnectionError,
    );
    return await ended;
  };
  const token = new Uint8Array(16);
  assertMatch(await asked("enter", { training: token }), /there is no such training/);
  assertMatch(await asked("join", linearFields(terms)), /join/);
  const huge = { ...linearFields({ ...terms, count: 2 ** 30 }), token };
  assertMatch(await asked("open", huge), /count = 1073741824 is not an integer in/);
  assertMatch(await asked("open", linearFields(terms)), /token/);
  assertEquals(all.events, []);
});
