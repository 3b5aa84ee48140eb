/** Who may resume a training or use its model, and what a peer cannot make a party delete. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { answerRequests, Requests } from "lib/net/requests.ts";
import { decodeModel, train } from "lib/protocol/mitig2/client.ts";
import { decodeFirst } from "lib/protocol/mitig2/files.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import { newSessionKey, sessionOf, termsFields } from "lib/protocol/mitig2/terms.ts";
import { inProcess } from "lib/net/connection.ts";
import type { Fields } from "lib/net/wire.ts";
import { data, hidden, setting, trainBoth } from "./fixtures.ts";
import { contents, five, ignore, TwoSides } from "./two_sides.ts";

const test = (name: string, run: (sides: TwoSides) => Promise<void>) =>
  Deno.test({
    name,
    ignore,
    async fn() {
      await using sides = await TwoSides.make();
      await run(sides);
    },
  });

/** Sends the server one request as a peer of its own. @returns why it was refused, or the answer's type. */
async function ask(sides: TwoSides, type: string, fields: Fields): Promise<string> {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { checkpoints: sides.theirs });
  const requests = new Requests(ours, { timeoutMs: 5000 });
  const answer = await requests.ask(type, fields, "ready").then(() => "ready", String);
  ours.close();
  await ended;
  return answer;
}

const terms = { hidden, classes: 3, count: 50, labels: "server", setting: five } as const;

Deno.test("sessionOf() names a session by the SHA-256 of its key, and newSessionKey() repeats none", async () => {
  const key = newSessionKey();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(key)));
  assertEquals(sessionOf(key), digest.slice(0, 16));
  assertNotEquals(newSessionKey(), newSessionKey());
});

test("serve() deletes nothing for a peer that knows a session's printed name, in any request", async (sides) => {
  await sides.breakOff(3);
  const before = await contents(sides.directory);
  const { directory } = await sides.onlySession();
  const session = directory.split("/").at(-1)!;
  const guesses = [Uint8Array.fromHex(session), sessionOf(Uint8Array.fromHex(session))];
  for (const sessionKey of guesses) {
    const fields = termsFields({ ...terms, sessionKey });
    assertEquals(await ask(sides, "train", { ...fields, saved: [] }), "ready"); // of its own
    assert((await ask(sides, "train", { ...fields, saved: [3] })).includes("no checkpoint of"));
    assert((await ask(sides, "use", { sessionKey })).includes("there is none here"));
  }
  const after = await contents(sides.directory);
  assertEquals(after, before);
});

test("serve() begins nothing anew over files of the same session, whatever their state", async (sides) => {
  await sides.breakOff(3);
  const { sessionKey } = decodeFirst(await sides.ours.load(3), "epoch-3.safetensors");
  const theirs = await sides.onlySession();
  const begin = () => ask(sides, "train", { ...termsFields({ ...terms, sessionKey }), saved: [] });
  const reason = `session ${sessionOf(sessionKey).toHex()} has files here already`;
  const refused = async () => {
    const before = await contents(sides.directory);
    assert((await begin()).includes(reason));
    assertEquals(await contents(sides.directory), before);
  };
  await refused();
  await Deno.truncate(`${theirs.directory}/epoch-3.safetensors`, 10);
  await refused(); // damaged
  await theirs.clear();
  assertEquals(await begin(), "ready");
  await theirs.saveModel(new Uint8Array(9));
  await refused(); // a model alone
});

test("train() keeps its checkpoints from a server that would begin anew, or resume elsewhere", async (sides) => {
  await sides.breakOff(3);
  const before = await contents(sides.directory);
  const reasons = new Map([
    [0, "the server would begin anew, although epoch 3 is saved here"],
    [4, "the server resumes after epoch 4"],
    [-1, "the server resumes after epoch -1"],
    [1e9, "the server resumes after epoch 1000000000"],
  ]);
  for (const [epoch, reason] of reasons) {
    const [ours, theirs] = inProcess();
    const saved = { type: "saved" };
    const ended = answerRequests(
      theirs,
      ["train", "z1", "checkpoint"],
      ({ type }) => type === "train" ? { type: "ready", fields: { epoch } } : saved,
    );
    const options = { hidden, setting: five, checkpoints: sides.ours, timeoutMs: 5000 };
    await assertRejects(() => train(ours, data, options), Error, reason);
    assert((await ended).includes(reason));
    assertEquals(await contents(sides.directory), before);
  }
  assertEquals((await sides.train()).model.session, (await keptModel(sides)).session);
});

const keptModel = async (sides: TwoSides) => decodeModel((await sides.ours.model())!);

test("train({ fresh }) discards the old training only when the server has agreed to a new one", async (sides) => {
  await sides.breakOff(3);
  const before = await contents(sides.directory);
  const fresh = { setting: five, checkpoints: sides.ours, fresh: true };
  const [ours, theirs] = inProcess();
  theirs.close("not today");
  await assertRejects(() => train(ours, data, { hidden, ...fresh }), Error, "not today");
  assertEquals(await contents(sides.directory), before);
  const kept = decodeFirst(await sides.ours.load(3), "epoch-3.safetensors");
  const epochs: number[] = [];
  const left: string[] = [];
  const { model } = await sides.train({
    ...{ fresh: true, onEpoch: ({ epoch }) => epochs.push(epoch) },
    onBegin: () =>
      left.push(...[...Deno.readDirSync(sides.ours.directory)].map(({ name }) => name)),
  });
  assertEquals(left.sort(), ["lock", "session"]);
  assertEquals(epochs, [1, 2, 3, 4, 5]);
  assertNotEquals(model.sessionKey, kept.sessionKey);
});

test("serve() does not resume a session for a peer whose terms are others", async (sides) => {
  await sides.breakOff(3);
  const { sessionKey } = decodeFirst(await sides.ours.load(3), "epoch-3.safetensors");
  const before = await contents(sides.directory);
  const others = [{ hidden: hidden + 1 }, { classes: 4 }, { setting: { ...setting, epochs: 9 } }];
  for (const other of others) {
    const fields = termsFields({ ...terms, ...other, sessionKey });
    const answer = await ask(sides, "train", { ...fields, saved: [1, 2, 3] });
    assert(answer.includes("no checkpoint of epoch 1 or 2 or 3 here that is intact"), answer);
    assertEquals(await contents(sides.directory), before);
  }
});

Deno.test("train() tells no secret to its callbacks, and the session's name is not its key", async () => {
  const lines: string[] = [];
  const { model } = await trainBoth(
    { onBegin: (beginning) => lines.push(JSON.stringify(beginning)) },
    { onEvent: (line) => lines.push(line) },
  );
  const [session, key] = [model.session.toHex(), model.sessionKey.toHex()];
  assert(lines.some((line) => line.includes(session)));
  assert(!lines.some((line) => line.includes(key)));
});
