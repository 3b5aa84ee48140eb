import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { drawBatchMask, encryptColumns } from "lib/fe/qfe_batch.ts";
import {
  decodeBatchCiphertext,
  decodeColumnsKey,
  encodeBatchCiphertext,
} from "lib/fe/qfe_gradient_encoding.ts";
import { gaussian, secureRng, seededRng } from "lib/math/rng.ts";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { answerRequests, Requests } from "lib/net/requests.ts";
import { ProtocolError } from "lib/net/wire.ts";
import { Aggregator } from "lib/protocol/sfedv/aggregator.ts";
import { Authority } from "lib/protocol/sfedv/authority.ts";
import { trainEncrypted, trainPlain } from "lib/protocol/sfedv/in_process.ts";
import { linearFields, type LinearTerms, toSamples } from "lib/protocol/sfedv/linear.ts";
import { openSession, takePart } from "lib/protocol/sfedv/party.ts";
import { fastest as group } from "../../math/pairing/backends.ts";

const terms: LinearTerms = {
  ...{ n: 3, count: 5, batch: 2, epochs: 2, learningRate: 0.1 },
  ...{ featureBits: 5, weightBits: 8, boundX: 2 ** 8, boundY: 2 ** 6 },
};
const x = Array.from({ length: 5 }, (_, i) => gaussian(seededRng(i), 3));
const u = toSamples(terms, x, x.map(([a, b]) => a > b ? 2 : -2));

Deno.test("trainEncrypted() of one party or three yields trainPlain()'s weights bit for bit", async () => {
  const seen: Record<string, unknown[]> = { plain: [], encrypted: [] };
  const plain = await trainPlain(terms, u, { onStep: (...step) => seen.plain.push(step) });
  const { weights, transcript } = await trainEncrypted(terms, u, {
    starts: [0, 1, 3],
    onStep: (...step) => seen.encrypted.push(step),
  });
  assertEquals(weights, plain.weights);
  assertEquals(seen.encrypted, seen.plain); // every model and every gradient
  assertEquals(seen.plain.length, 6);
  assert(weights.some((value) => value !== 0));
  assertEquals((await trainEncrypted(terms, u)).weights, plain.weights);

  const counted = (what: string) => transcript.traffic.filter((t) => t.what === what);
  const sums = (what: string) => counted(what).reduce((sum, { messages }) => sum + messages, 0);
  assertEquals(sums("stored"), 9); // three batches of three parties, once, whatever the number of epochs
  assertEquals(sums("gradient"), 6);
  assertEquals(sums("keys"), 6);
  assert(transcript.steps.every(({ elapsedMs }) => elapsedMs > 0));
});

Deno.test({
  name: "trainEncrypted() yields the same on two Workers, and says what ended it",
  ignore: (await Deno.permissions.query({ name: "read" })).state !== "granted",
  async fn() {
    const { weights } = await trainEncrypted(terms, u, { starts: [0, 2], workers: 2 });
    assertEquals(weights, (await trainPlain(terms, u)).weights);
    await assertRejects(
      () => trainEncrypted({ ...terms, learningRate: 1e7 }, u, { workers: 2 }),
      ConnectionError,
      "does not fit at scale 2^8",
    );
    await assertRejects(() => trainEncrypted(terms, u, { workers: -1 }), RangeError, "-1 workers");
  },
});

Deno.test("trainEncrypted() ends where the authority grants no more visits, and says so", async () => {
  const steps: number[] = [];
  await assertRejects(
    () =>
      trainEncrypted(terms, u, {
        starts: [0, 2],
        mostVisits: 1,
        onStep: (step) => void steps.push(step),
      }),
    ConnectionError,
    "batch 0 was visited 1 times, the most there may be",
  );
  assertEquals(steps, [0, 1, 2]);
  const once = { ...terms, epochs: 1 };
  const { weights } = await trainEncrypted(once, u, { mostVisits: 1 });
  assertEquals(weights, (await trainPlain(once, u)).weights);
});

Deno.test("trainEncrypted() refuses samples and terms, and stops when aborted", async () => {
  await assertRejects(() => trainEncrypted(terms, u.slice(1)), TypeError, "4 samples, expected 5");
  const large = u.with(3, Int32Array.from([0, 300, 0, 32, 64]));
  await assertRejects(
    () => trainEncrypted(terms, large, { starts: [0, 1] }),
    RangeError,
    "Cannot encrypt: u[1][0] = 300 is not an integer in [-256, 256]",
  );
  for (const starts of [[1], [0, 0], [0, 5], []]) {
    await assertRejects(
      () => trainEncrypted(terms, u, { starts }),
      ConnectionError,
      "Cannot set up: parties' columns begin at",
    );
  }
  await assertRejects(
    () => trainEncrypted({ ...terms, learningRate: -1 }, u),
    ConnectionError,
    "learningRate = -1 is not positive",
  );
  const stop = new AbortController();
  const onStep = () => stop.abort(new Error("stopped by hand"));
  const run = trainEncrypted({ ...terms, epochs: 1000 }, u, { signal: stop.signal, onStep });
  await assertRejects(() => run, Error, "stopped by hand");
});

/** A session of two parties, and a way to ask on a fresh connection. */
async function session() {
  const authority = new Authority();
  const opening = authority.connect();
  const tokens = await openSession(opening, terms, [0, 2]);
  const asked = async (type: string, fields: Parameters<Requests["ask"]>[1], answer: string) => {
    const connection = authority.connect();
    try {
      return await new Requests(connection).ask(type, fields, answer);
    } finally {
      connection.close();
    }
  };
  return { authority, opening, ...tokens, asked };
}

Deno.test("Authority: a token is good for one role, one party's columns, one session", async () => {
  const { opening, aggregator, parties, asked } = await session();
  const c = { shape: [5], data: Int32Array.of(1, 2, 3, 4, -5) };
  const refused = (state: string, ...[type, fields, answer]: Parameters<typeof asked>) =>
    assertRejects(() => asked(type, fields, answer), ConnectionError, state);
  const key = (await asked("columns", { token: parties[1], batch: 2 }, "secrets")).bytes("key");
  const { from, to, pp } = decodeColumnsKey(group, key);
  assertEquals([from, to, pp.batch], [2, 5, 1]);
  const again = (await asked("columns", { token: parties[1], batch: 2 }, "secrets")).bytes("key");
  assertEquals(again, key);
  const secrets = await Promise.all([0, 1].map(async (batch) =>
    decodeColumnsKey(
      group,
      (await asked("columns", { token: parties[1], batch }, "secrets")).bytes("key"),
    )
  ));
  assertNotEquals(secrets[0].t, secrets[1].t);
  assertNotEquals(secrets[0].s, secrets[1].s);
  await refused("token is not good", "columns", { token: aggregator, batch: 0 }, "secrets");
  await refused("token is not good", "gradient", { token: parties[0], batch: 0, c }, "keys");
  await refused("not good", "gradient", { token: new Uint8Array(16), batch: 0, c }, "keys");
  for (const batch of [-1, 3]) {
    await refused(`batch ${batch} of 3`, "gradient", { token: aggregator, batch, c }, "keys");
  }
  const short = { shape: [4], data: new Int32Array(4) };
  await refused("shape [4]", "gradient", { token: aggregator, batch: 0, c: short }, "keys");
  const zero = { shape: [5], data: new Int32Array(5) };
  await refused("c is 0", "gradient", { token: aggregator, batch: 0, c: zero }, "keys");
  const large = { shape: [5], data: Int32Array.of(2 ** 24, 0, 0, 0, -1) };
  await refused("exceeds 2^40", "gradient", { token: aggregator, batch: 0, c: large }, "keys");
  assertEquals((await asked("gradient", { token: aggregator, batch: 0, c }, "keys")).type, "keys");
  opening.close();
  await new Promise((resolve) => setTimeout(resolve, 20)); // the session ends with it
  await refused("not good", "gradient", { token: aggregator, batch: 0, c }, "keys");
});

Deno.test("takePart() masks every batch anew, as the other parties do", async () => {
  const { authority, opening, parties } = await session();
  const maskSecret = secureRng().bytes(32);
  const seen = await Promise.all(parties.map(async (token, i) => {
    const [from, to] = [[0, 2], [2, 5]][i];
    const [ours, theirs] = inProcess();
    const gammas: string[] = [];
    answerRequests(theirs, ["join", "columns", "weights"], (request) => {
      if (request.type === "join") return { type: "joined" };
      if (request.type === "weights") {
        return { type: "weights", fields: { weights: new Uint8Array(32) } };
      }
      const { ct0 } = decodeBatchCiphertext(group, request.bytes("columns"));
      gammas.push(group.encodeG2(ct0).toHex());
      return { type: "stored" };
    });
    const connections = { authority: authority.connect(), aggregator: ours };
    const columns = u.map((row) => row.subarray(from, to));
    const weights = await takePart(
      connections,
      { terms, token, maskSecret, from, to },
      columns,
    );
    assertEquals(weights, new Float64Array(4));
    connections.authority.close();
    ours.close();
    return gammas;
  }));
  assertEquals(seen[0], seen[1]);
  assertEquals(new Set(seen[0]).size, 3);
  opening.close();
});

Deno.test("takePart() takes no secrets of other columns, or of other bounds than the terms'", async () => {
  const { authority, opening, parties } = await session();
  const take = async (changed: Partial<LinearTerms>, from: number) => {
    const [ours, theirs] = inProcess();
    const ended = answerRequests(theirs, ["join"], () => ({ type: "joined" }));
    const connections = { authority: authority.connect(), aggregator: ours };
    const own = { terms: { ...terms, ...changed }, token: parties[1], from, to: 5 };
    await assertRejects(
      () =>
        takePart(
          connections,
          { ...own, maskSecret: new Uint8Array(32) },
          u.map((row) => row.subarray(from, 5)),
        ),
      ProtocolError,
      "the authority sent secrets of other columns or bounds",
    );
    await ended;
    connections.authority.close();
  };
  await take({}, 1);
  await take({ batch: 3 }, 2);
  await take({ boundX: 2 ** 9 }, 2);
  await take({ boundY: 2 ** 7 }, 2);
  opening.close();
});

Deno.test("Aggregator: other terms, columns there already, columns of another batch are refused", async () => {
  const { authority, opening, aggregator: token, parties, asked } = await session();
  const stop = new AbortController();
  const aggregator = new Aggregator({
    ...{ terms, token, signal: stop.signal },
    authority: () => Promise.resolve(authority.connect()),
  });
  const key = decodeColumnsKey(
    group,
    (await asked("columns", { token: parties[0], batch: 0 }, "secrets")).bytes("key"),
  );
  const rows = u.slice(0, 2).map((row) => row.subarray(0, 2));
  const columns = encodeBatchCiphertext(encryptColumns(key, drawBatchMask(key.pp), rows));
  const refused = async (state: string, join: object, ...messages: object[]) => {
    const connection = aggregator.connect();
    const requests = new Requests(connection);
    await assertRejects(
      async () => {
        if (Object.keys(join).length > 0) {
          await requests.ask("join", { ...linearFields(terms), from: 0, to: 2, ...join }, "joined");
        }
        for (const message of messages) {
          await requests.ask("columns", { batch: 0, columns, ...message }, "stored");
        }
      },
      ConnectionError,
      state,
    );
  };
  await refused("join first", {}, {});
  await refused("epochs = 3, but 2 was agreed on", { epochs: 3 });
  await refused("Cannot store columns: they are (columns [0, 2)", { from: 2, to: 5 }, {});
  await refused("batch = 2, boundX = 256, boundY = 64), not (", { to: 2 }, { batch: 2 });
  await refused("batch 3 of 3", { to: 2 }, { batch: 3 });
  for (let again = 0; again < 2; again++) { // what was refused leaves the place free
    await refused("Cannot decode ctU", { to: 2 }, { columns: columns.subarray(1) });
  }
  await refused("[0, 2) of batch 0 are here already", { to: 2 }, {}, {});
  await refused("Cannot decode ctU", { to: 2 }, { batch: 1, columns: columns.subarray(1) });

  // A party that encrypted under a mask of its own is found out when the columns are joined.
  const invitation = (i: number) => ({
    ...{ terms, token: parties[i], maskSecret: new Uint8Array(32).fill(i) },
    ...[{ from: 0, to: 2 }, { from: 2, to: 5 }][i],
  });
  const fresh = new Aggregator({
    ...{ terms, token },
    authority: () => Promise.resolve(authority.connect()),
  });
  const part = (i: number) => {
    const connections = { authority: authority.connect(), aggregator: fresh.connect() };
    const { from, to } = invitation(i);
    const columns = u.map((row) => row.subarray(from, to));
    return takePart(connections, invitation(i), columns)
      .finally(() => connections.authority.close());
  };
  const results = await Promise.allSettled([part(0), part(1)]);
  for (const result of results) {
    assert(result.status === "rejected");
    assert(String(result.reason).includes("were encrypted under another γ"), `${result.reason}`);
  }
  stop.abort(new Error("over"));
  await assertRejects(() => aggregator.weights, Error, "over");
  opening.close();
});
