/** The commands of vertical training as four processes over TLS; the oracle is the same training in the clear. */
import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { loadPatients, rowsOf } from "lib/data/tables.ts";
import { rightSides } from "lib/nn/linear.ts";
import { linearSamples, momentsOf } from "lib/nn/linear_samples.ts";
import { trainPlain } from "lib/protocol/sfedv/in_process.ts";
import { permitted, withFolder } from "./fixtures.ts";
import { Party, ServerParty } from "./party_processes.ts";

const asked = { samples: 5, batch: 3, epochs: 1 };
const flags = [
  ...Object.entries(asked).flatMap(([name, value]) => [`--${name}`, `${value}`]),
  ...["--learning-rate", "0.05"],
];

/** The weights and the accuracy that every party must end with. */
async function plainRun(): Promise<{ weights: number[]; testAccuracy: number }> {
  const { train, test } = await loadPatients();
  const rows = rowsOf(train, [0, 1, 2, 3, 4]);
  const options = { moments: momentsOf(rows), scaleBits: 5 };
  const { u, n } = linearSamples(rows, options);
  const terms = {
    ...{ n, count: 5, batch: 3, epochs: 1, learningRate: 0.05 },
    ...{ featureBits: 5, weightBits: 8, boundX: 2 ** 9, boundY: 2 ** 6 },
  };
  const samples = Array.from({ length: 5 }, (_, i) => u.subarray(i * (n + 2), (i + 1) * (n + 2)));
  const { weights } = await trainPlain(terms, samples);
  const right = rightSides(weights, linearSamples(test, options));
  return { weights: [...weights], testAccuracy: right / test.count };
}

/** An authority, and an aggregator that knows it, each with an identity of its own; and how to start a party. */
async function parties(folder: string, granted: readonly string[] = []) {
  const authority = await ServerParty.start("sfedv:authority", `${folder}/authority`, granted);
  const known = ["--authority", authority.url, "--authority-identity", authority.identity];
  const aggregator = await ServerParty.start("sfedv:aggregator", `${folder}/aggregator`, [
    ...["--workers", "0", ...known],
  ]);
  const place = ["--url", aggregator.url, "--identity", aggregator.identity, ...known];
  const party = (...more: string[]) => new Party("sfedv:party", [...place, ...more]);
  const first = (...more: string[]) => party("--invitations", `${folder}/invitations`, ...more);
  return { authority, aggregator, party, first };
}

const test = (name: string, run: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(run) });

test("sfedv:party of three trains over TLS to the weights of the clear run, bit for bit", async (folder) => {
  const { authority, aggregator, party, first } = await parties(folder);
  const one = first(...flags, "--parties", "3", "--json");
  const [, second] = await one.said(/^invited: sfedv:party --invitation (.*party-2.*)$/m);
  const [, third] = await one.said(/^invited: sfedv:party --invitation (.*party-3.*)$/m);
  assertEquals((await Deno.stat(second)).mode! & 0o777, 0o600);
  const all = [
    one,
    party("--invitation", second, "--json"),
    party("--invitation", third, "--json"),
  ];
  const plain = await plainRun();
  assert(plain.weights.every((weight) => weight !== 0));
  const columns: number[][] = [];
  for (const each of all) {
    assertEquals(await each.ended(), 0, each.stderr);
    const { seconds, bytesUp, bytesDown, from, to, ...rest } = JSON
      .parse(each.stdout);
    assertEquals(rest, { ...plain, ...asked, learningRate: 0.05 });
    assertGreater(seconds, 0);
    assertGreater(bytesUp, asked.samples * (to - from) * 288);
    assertGreater(bytesDown, asked.samples * (to - from) * 32);
    assertMatch(each.stderr, /^encrypted batch 2\/2 /m);
    columns.push([from, to]);
  }
  assertEquals(columns, [[20, 32], [0, 10], [10, 20]]);
  await assertRejects(() => Deno.stat(second), Deno.errors.NotFound);

  for (const { process } of [aggregator, authority]) {
    process.kill("SIGTERM");
    assertEquals(await process.ended(), 0);
    assertMatch(process.stdout, / stopped\n$/);
  }
  assertMatch(
    aggregator.process.stdout,
    /training of 30 features: 5 samples in batches of 3, 1 epochs\n(.*\n)*.*epoch 1 of 1\n.*training finished\n/,
  );
});

test("sfedv:party says what ended a training: a party that left, a limit on visits, an old invitation", async (folder) => {
  const { authority, aggregator, party, first } = await parties(folder, ["--most-visits", "1"]);
  const one = first(...flags);
  const [, invitation] = await one.said(/^invited: .* (\/.*)$/m);
  const copy = `${folder}/copy`;
  await Deno.copyFile(invitation, copy);
  await one.said(/waiting for the weights/);
  const two = party("--invitation", copy);
  await two.said(/^5 patients, columns 0 to 14 of 32$/m);
  two.kill("SIGINT");
  assertEquals(await two.ended(), 130);
  assertEquals(await one.ended(), 1);
  assertMatch(one.stderr, /^sfedv:party: .*a party left \(.*the party ended the training.*\)/m);

  const late = party("--invitation", copy);
  assertEquals(await late.ended(), 1);
  assertMatch(late.stderr, /^sfedv:party: .*there is no such training, or it has ended/m);

  const again = first(...flags.with(5, "2"));
  const [, next] = await again.said(/^invited: .* (\/.*)$/m);
  const other = party("--invitation", next);
  for (const each of [again, other]) {
    assertEquals(await each.ended(), 1);
    assertMatch(each.stderr, /^sfedv:party: .*batch 0 was visited 1 times/m);
    assertEquals(each.stdout, "");
  }
  for (const each of [authority, aggregator]) await each[Symbol.asyncDispose]();
  assertMatch(aggregator.process.stdout, /training ended: .*visited 1 times/);
});

test("sfedv:party refuses flags beside an invitation, a file that is none, and aggregators that are not there", async (folder) => {
  const file = `${folder}/other`;
  await Deno.writeTextFile(file, "not an invitation");
  const refused = async (args: string[], status: number, line: RegExp) => {
    const party = new Party("sfedv:party", args);
    assertEquals(await party.ended(), status, party.stderr);
    assertMatch(party.stderr, line);
  };
  await refused(["--invitation", file, "--batch", "3"], 2, /--batch is party 1's to say/);
  await refused(
    ["--learning-rate", "no"],
    2,
    /--learning-rate must be a positive number: got "no"/,
  );
  await refused(["--invitation", file], 1, /Cannot use the invitation .*other: /);
  await refused(["--invitation", `${file}s`], 1, /others: it is missing; party 1 writes it when/);
  const none = ["--authority-identity", `${folder}/none`];
  await refused(none, 1, /it is missing; start deno task sfedv:authority first/);
});
