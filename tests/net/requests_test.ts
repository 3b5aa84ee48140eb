import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError, inProcess } from "lib/net/connection.ts";
import { answerRequests, Requests } from "lib/net/requests.ts";
import { encodeMessage, type Fields, ProtocolError } from "lib/net/wire.ts";

/** A client's first two requests, which a server answers with these messages, whatever they are. */
async function answered(...answers: [type: string, fields: Fields][]): Promise<unknown> {
  const [ours, theirs] = inProcess();
  const requests = new Requests(ours, { timeoutMs: 5000 });
  const asked = [requests.ask("ask", {}, "told"), requests.ask("ask", {}, "told")];
  for (const [type, fields] of answers) await theirs.send(encodeMessage(type, fields));
  try {
    return (await Promise.all(asked)).map((message) => message.integer("number"));
  } finally {
    ours.close();
  }
}

Deno.test("Requests.ask() takes the answers in order", async () => {
  assertEquals(await answered(["told", { number: 0 }], ["told", { number: 1 }]), [0, 1]);
});

const wrong: Record<string, [reason: string, ...answers: [string, Fields][]]> = {
  "an answer of another number": ["it is message 1 where 0 was expected", ["told", { number: 1 }]],
  "an answer repeated": [
    "it is message 0 where 1 was expected",
    ["told", { number: 0 }],
    ["told", { number: 0 }],
  ],
  "an answer left out": [
    "it is message 2 where 1 was expected",
    ["told", { number: 0 }],
    ["told", { number: 2 }],
  ],
  "answers the other way round": [
    "it is message 1 where 0 was expected",
    ["told", { number: 1 }],
    ["told", { number: 0 }],
  ],
  "an answer without a number": ["number is not an integer", ["told", {}]],
  "an answer whose number is text": ["number is not an integer", ["told", { number: "0" }]],
  "an answer of another type": ['got "sung"', ["sung", { number: 0 }]],
};
for (const [what, [reason, ...answers]] of Object.entries(wrong)) {
  Deno.test(`Requests.ask() refuses ${what}`, async () => {
    await assertRejects(() => answered(...answers), ProtocolError, reason);
  });
}

Deno.test("answerRequests() ends on a request that is repeated, left out or has no number", async () => {
  const faults: [numbers: Fields[string][], reason: string][] = [
    [[1], "it is message 1 where 0 was expected"],
    [[0, 0], "it is message 0 where 1 was expected"],
    [[0, 2], "it is message 2 where 1 was expected"],
    [["0"], "number is not an integer"],
  ];
  for (const [numbers, reason] of faults) {
    const [ours, theirs] = inProcess();
    const answered: number[] = [];
    const ended = answerRequests(theirs, ["ask"], (request) => {
      answered.push(request.integer("number"));
      return { type: "told" };
    });
    for (const number of numbers) await ours.send(encodeMessage("ask", { number }));
    assertEquals(await ended, `Cannot read ask: ${reason}`);
    assertEquals(answered.length, numbers.length - 1);
  }
});

Deno.test("answerRequests() tells the work when its connection has ended, and answers no more", async () => {
  const [ours, theirs] = inProcess();
  const began = Promise.withResolvers<AbortSignal>();
  const numbers: number[] = [];
  const ended = answerRequests(theirs, ["ask"], async (request, signal) => {
    numbers.push(request.integer("number"));
    began.resolve(signal);
    await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    return { type: "told" };
  });
  for (const number of [0, 1, 2]) await ours.send(encodeMessage("ask", { number }));
  const signal = await began.promise;
  assertEquals(signal.aborted, false);
  ours.close("had enough");
  const told = "Cannot receive from client: it closed the connection (had enough)";
  assertEquals(await ended, told);
  assertEquals(signal.reason instanceof ConnectionError, true);
  assertEquals(numbers, [0]);
});

Deno.test("answerRequests() and close() keep control codes of a peer to themselves", async () => {
  const [ours, theirs] = inProcess();
  const ended = answerRequests(theirs, ["ask"], () => ({ type: "told" }));
  ours.close("\x1b[2J\n2026-11-26T00:00:00Z 10.0.0.1 connected" + "x".repeat(2 ** 20));
  const told = await ended;
  assertEquals(/\p{Cc}/u.test(told), false);
  assertEquals(told.length <= 400, true, `${told.length}`);
  const [client, server] = inProcess();
  const refused = answerRequests(server, ["ask"], () => ({ type: "told" }));
  await client.send(encodeMessage("\x9b31m\u202e", { number: 0 }));
  assertEquals(await refused, 'Cannot read ask: got "�31m�"');
});
