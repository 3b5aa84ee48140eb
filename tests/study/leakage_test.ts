import { assert, assertEquals, assertThrows } from "@std/assert";
import { clearViews } from "lib/protocol/cryptonn/first_layer.ts";
import {
  attackTrained,
  attackWidths,
  encryptedForward,
  exactRate,
  initialLayer,
  sameZ1,
} from "lib/study/leakage.ts";
import { layerOf, mayRead, SQUARES } from "./fixtures.ts";

const chosen = { images: SQUARES, indices: [5, 2, 9] };

Deno.test("initialLayer() of more units begins with the rows of fewer", () => {
  const [narrow, wide] = [3, 5].map((hidden) => initialLayer({ n: 144, hidden, insecureSeed: 1 }));
  const unit = 2 ** (wide.scaleBits - narrow.scaleBits);
  for (let k = 0; k < 3 * 144; k++) {
    assert(Math.abs(wide.W1[k] - unit * narrow.W1[k]) <= Math.max(1, unit), `weight ${k}`);
  }
  assertEquals([wide.hidden, wide.n], [5, 144]);
});

Deno.test("encryptedForward() decrypts z1, finds views by image, and draws what was sent", async () => {
  const layer = layerOf(2);
  const pass = await encryptedForward({ layer, ...chosen });
  assert(sameZ1(pass.views, clearViews(layer, SQUARES, chosen.indices)));
  assertEquals(pass.viewsOf([9, 5]), [pass.views[2], pass.views[0]]);
  assertThrows(() => pass.viewsOf([5, 0]), RangeError, "image 0: not among 5,2,9");
  assertEquals(pass.sequence("s", "t").name, "s");
});

Deno.test("sameZ1() sees one other number, and a view too few", () => {
  const views = clearViews(layerOf(2), SQUARES, chosen.indices);
  const moved = views.map((view) => ({ ...view, z1: view.z1.with(1, view.z1[1] + 1) }));
  assertEquals([sameZ1(views, moved), sameZ1(views, views.slice(1))], [false, false]);
});

Deno.test("exactRate() counts the images that come back exactly", async () => {
  const rate = (hidden: number) => exactRate({ layer: layerOf(hidden), ...chosen });
  assertEquals((await rate(60)).successes, 3);
  assertEquals([(await rate(2)).successes, (await rate(2)).n], [0, 3]);
});

Deno.test({
  name: "attackWidths() finds more from more rows of the layer",
  ignore: !mayRead,
  async fn() {
    const [objectives, widths] = [["published", "tv-sum"] as const, [10, 60, 144]];
    const layer = layerOf(144);
    const sweep = await attackWidths({ layer, ...chosen, objectives, widths });
    const errors = (objective: "published" | "tv-sum") =>
      widths.map((width) => (sweep.mse(objective, width)! > 1e-8));
    assertEquals(errors("published"), [true, true, false]);
    assertEquals(errors("tv-sum"), [true, false, false]);
    assert(sameZ1(sweep.viewsAt(10), clearViews(layerOf(10), SQUARES, chosen.indices)));
    const { data } = sweep.figure("f", "t");
    assertEquals(data.map(({ name }) => name), ["published LP", "TV + ½·Σx"]);
  },
});

Deno.test("attackTrained() trains from each seed and attacks images of its own", async () => {
  const counts: number[] = [];
  const trained = await attackTrained({
    data: { train: SQUARES, test: SQUARES },
    ...{ hidden: 60, epochs: 2, seeds: [1, 2], each: 4 },
    onProgress: (done) => counts.push(done),
  });
  assertEquals(counts, [1, 2, 3, 4]);
  assertEquals([trained.exact.n, trained.accuracies.length, trained.layer.hidden], [8, 2, 60]);
  assertEquals(trained.exact.successes, 8);
});
