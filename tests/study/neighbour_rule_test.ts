import { assert, assertEquals } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { clearViews } from "lib/protocol/cryptonn/first_layer.ts";
import { attackUnderRule, ruleBroken } from "lib/study/neighbour_rule.ts";
import { layerOf, mayRead, SQUARES } from "./fixtures.ts";

const grey = dataset({ ...SQUARES, x: SQUARES.x.map((v, at) => at < 144 ? 90 : v) });

Deno.test("ruleBroken() counts images with at least one pixel against the rule", () => {
  const all = { images: grey, indices: [0, 1, 2, 3] };
  assertEquals([ruleBroken(all, 2).successes, ruleBroken(all, 2).n], [3, 4]);
  assertEquals(ruleBroken({ ...all, indices: [4] }, 1000).successes, 0); // (0, 0) is black there
});

Deno.test({
  name:
    "attackUnderRule() has a row per period: rates of all images, pixels of some, programs of fewer",
  ignore: !mayRead,
  async fn() {
    const attacked = [0, 5];
    const views = clearViews(layerOf(140), grey, attacked);
    const rule = await attackUnderRule({ images: grey, indices: [0, 5, 6], attacked, views });
    const rows = rule.table("t").rows;
    assertEquals(rows.map(([period]) => period), [2, 4, 9, 16]);
    assertEquals(rule.rows[0].broken.n, grey.count);
    assertEquals(rule.rows[0].inside[0], 0); // the grey image keeps the rule
    assert(rule.rows[0].inside[1] > 0);
    assertEquals(rows[0].slice(4, 6), [1, 1]); // it has a solution, the square has none
    assertEquals(
      rule.leastBroken,
      rule.rows.map((r) => r.broken).toSorted((a, b) => a.low - b.low)[0],
    );
    assertEquals(typeof rule.edgesAgree, "boolean");
    assert(rule.cornerText.includes("of 12 test images"));
  },
});
