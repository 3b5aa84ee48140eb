import { assert, assertEquals, assertThrows } from "@std/assert";
import { imagesFromGram } from "lib/study/gram_images.ts";
import { gramErrors, symmetryGain, WAYS } from "lib/study/gram_leak.ts";
import { twoVisits } from "lib/study/gram_two_visits.ts";
import { doubleView, followable, privateImages, splitView } from "lib/study/gram_views.ts";
import { SQUARES } from "./fixtures.ts";

Deno.test("doubleView() is MITIG2's training in more digits", async () => {
  const how = { hidden: 6, setting: followable(2, 5), seed: 3 };
  const [double, single] = [doubleView(SQUARES, how), await splitView(SQUARES, how)];
  assertEquals(double.steps.length, single.steps.length);
  double.steps.forEach((step, at) => {
    const other = single.steps[at];
    assertEquals([...step.samples!], [...other.samples!]);
    assertEquals(step.rate, other.rate);
    for (const name of ["z1", "dz1"] as const) {
      step[name].forEach((v, k) => assert(Math.abs(v - other[name][k]) < 1e-5, `${name} of ${at}`));
    }
  });
});

Deno.test("gramErrors() is exact where the equations reach the unknowns, and draws it", async () => {
  const found = await gramErrors(SQUARES, { visits: { 6: [2, 3] }, seed: 1, batch: 4 });
  assertEquals(found.enough(6), 3);
  assert(found.at(6, 3, WAYS[0]) < 1e-6, `${found.at(6, 3, WAYS[0])}`);
  assert(found.at(6, 2, WAYS[0]) > 1e-3);
  assertEquals(found.table().rows.length, 2);
  assertEquals(found.figure("errors").data.length >= 3, true);
  assertThrows(() => found.at(6, 4, WAYS[0]), RangeError, "4 visits");
});

Deno.test("symmetryGain() compares least squares without and with it", async () => {
  const gain = await symmetryGain(SQUARES, { hidden: 3, visits: 4, batch: 2, seed: 1 });
  assertEquals(gain.enough, 5);
  assert(gain.with < gain.without, `${gain.with}, ${gain.without}`);
});

Deno.test("twoVisits() and imagesFromGram() give numbers, tables and pictures", async () => {
  const how = { count: 12, hidden: 8, seeds: [0], batch: 4 };
  const two = await twoVisits(SQUARES, how);
  assertEquals([two.errors.length, two.table().rows.length], [1, 3]);
  assert(two.errors[0] < 0.5 && two.correlation("bayes") > 0.8, `${two.errors}`);
  assertEquals(two.grid("picture", 12).name, "picture");
  const images = await imagesFromGram(SQUARES, { ...how, known: [2, 8], victims: 2 });
  assertEquals(images.table().rows.length, 3);
  const [few, many] = [2, 8].map((known) => images.psnr(known, "float64, 3 visits"));
  assert(many > few, `${few}, ${many}`);
  assertEquals([images.figure("known").name, images.grid("images", 2).name], ["known", "images"]);
});

Deno.test("privateImages() gives each seed its own, and refuses more than there are", () => {
  assertEquals(privateImages(SQUARES, 4, 2).x, SQUARES.x.subarray(8 * 144));
  assertThrows(() => privateImages(SQUARES, 4, 3), RangeError, "12 to 16");
});
