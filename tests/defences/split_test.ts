import { assert, assertEquals } from "@std/assert";
import { bytesPerVisit, type DefenceName, DEFENCES } from "lib/defences/defences.ts";
import { trainDefended } from "lib/defences/split.ts";
import { watchMitig2 } from "lib/defences/mitig2.ts";
import { visitsOf, z1Of } from "lib/attack/training/view.ts";
import { DESCENT } from "lib/nn/optimizer.ts";
import { stripes } from "./fixtures.ts";

const data = { train: stripes(60, 1), test: stripes(30, 2) };
const setting = { ...DESCENT, epochs: 2, batch: 20 };
const common = { seeds: { client: 3, server: 4 }, setting, hidden: 8, watched: [0, 5, 59] };

Deno.test("trainDefended() without a defence has z1 and predictions of MITIG2's real parties, bit for bit", async () => {
  const ours = await trainDefended(data, { ...common, defence: DEFENCES.sigmoid });
  const real = await watchMitig2(data, common);
  assertEquals(ours.predictions, real.predictions);
  for (const name of common.watched) {
    const visits = visitsOf(ours.view).get(name)!;
    assertEquals(visits.length, 2);
    visits.forEach((visit, t) => {
      const other = visitsOf(real.view).get(name)![t];
      assertEquals(z1Of(ours.view, visit), z1Of(real.view, other));
    });
  }
  const other = await trainDefended(data, {
    ...{ ...common, seeds: { client: 5, server: 4 } },
    defence: DEFENCES.sigmoid,
  });
  assert(other.view.steps[0].z1[0] !== ours.view.steps[0].z1[0]);
});

Deno.test("each defence sends as many numbers as it says, and gives the same twice", async () => {
  for (const [name, defence] of Object.entries(DEFENCES)) {
    const [a, b] = [
      await trainDefended(data, { ...common, defence }),
      await trainDefended(data, { ...common, defence }),
    ];
    assertEquals(a.view.units, name === "rank-16" ? 16 : 8);
    assertEquals(a.view.steps.map(({ z1 }) => [...z1]), b.view.steps.map(({ z1 }) => [...z1]));
    assertEquals(a.predictions, b.predictions);
    const [first, second] = visitsOf(a.view).get(5)!.map((visit) => [...z1Of(a.view, visit)]);
    if (name === "frozen") assertEquals(first, second);
    else assert(name === "one-bit" || first.some((v, u) => v !== second[u]), name);
  }
});

Deno.test("a client learns through each channel", async () => {
  const longer = { ...common, setting: { ...setting, epochs: 30 } };
  for (const [name, defence] of Object.entries(DEFENCES)) {
    const { accuracy } = await trainDefended(data, { ...longer, defence });
    assert(accuracy > 0.6, `${name}: ${accuracy}`);
  }
});

Deno.test("bytesPerVisit() counts both ways: MITIG2 2,400, a bit a number 38 up, rank 16 128", () => {
  const bytes = (name: DefenceName) => bytesPerVisit(DEFENCES[name], 300);
  assertEquals([bytes("sigmoid"), bytes("one-bit"), bytes("rank-16")], [2400, 1238, 128]);
});
