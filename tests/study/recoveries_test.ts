import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { image } from "lib/data/dataset.ts";
import { clearViews } from "lib/protocol/cryptonn/first_layer.ts";
import { attackAll, caption, judge, largestGap, Recoveries } from "lib/study/recoveries.ts";
import { layerOf, mayRead, recovered, SQUARES } from "./fixtures.ts";

const chosen = { images: SQUARES, indices: [3, 1] };
const [third, first] = chosen.indices.map((i) => image(SQUARES, i));

Deno.test("judge() measures each recovery against the image of its index", () => {
  const { exact, mse, scores } = judge("a", [recovered(third), recovered(third)], chosen);
  assertEquals([exact, scores.map((s) => s.exact)], [1, [true, false]]);
  assertEquals(mse, scores[1].mse! / 2);
  assertEquals(judge("a", [recovered(null)], chosen).mse, null);
});

Deno.test("caption() says exact, the error, or why there is none", () => {
  const { scores } = judge("a", [recovered(third), recovered(third)], chosen);
  assertEquals(scores.map(caption), ["exact", "MSE 0.171"]);
  assertEquals(caption({ ...scores[1], mse: 2e-5 }), "MSE 2e-5");
  assertEquals(caption(judge("a", [recovered(null)], chosen).scores[0]), "infeasible");
});

Deno.test("Recoveries has a row of the table and of the grid for each attack", () => {
  const found = new Recoveries(chosen, [
    judge("min TV", [recovered(third), recovered(first)], chosen),
    judge("mine", [recovered(null), recovered(third)], chosen),
  ]);
  assertEquals(found.of("tv").exact, 2);
  assertEquals(found.of("mine").exact, 0);
  assertThrows(() => found.of("sum"), RangeError, '"sum"');
  assertEquals(
    found.table("t").rows.map((row) => [row[0], row[1], row[5]]),
    [["min TV", 2, 2], ["mine", 1, 0]],
  );
  assert(found.grid("g", "t").alt.includes("originals; recoveries by min TV, 2 of them exact"));
  assert(found.weakestCertificate().endsWith("none."));
});

Deno.test("largestGap() is that of the worst pixel, and none where neither recovered", () => {
  const moved = third.map((v, p) => p === 7 ? v + 3 : v);
  assertEquals(
    largestGap([recovered(third), recovered(null)], [recovered(moved), recovered(null)]),
    3,
  );
  assertEquals(largestGap([recovered(third)], [recovered(null)]), Infinity);
});

Deno.test({
  name: "attackAll() attacks each view by each method, and both solvers agree",
  ignore: !mayRead,
  async fn() {
    const views = clearViews(layerOf(60), SQUARES, chosen.indices);
    const methods = ["sum", "least-squares", "tv-sum"] as const;
    const [highs, fast] = await Promise.all(
      (["highs", "fast"] as const).map((solver) =>
        attackAll({ views, ...chosen, methods, solver })
      ),
    );
    assertEquals(highs.rows.map(({ label }) => label), ["min Σx", "least squares", "TV + ½·Σx"]);
    assertEquals([highs.of("tv-sum").exact, highs.of("least-squares").exact], [2, 0]);
    const [a, b] = [highs, fast].map((found) => found.of("tv-sum").recoveries);
    assertLess(largestGap(a, b), 1e-4);
    assert(highs.weakestCertificate().length > 40);
  },
});
