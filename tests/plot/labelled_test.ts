import { assert, assertEquals, assertThrows } from "@std/assert";
import { labelledFigure, type LabelledOptions } from "lib/plot/labelled.ts";
import { textWidth } from "lib/plot/theme.ts";

const options = (points: LabelledOptions["points"]): LabelledOptions => ({
  ...{ name: "points", title: "Points", alt: "Points with names.", points },
  xAxis: { title: "error", unit: "count", log: true },
  yAxis: { title: "accuracy", unit: "%" },
});

interface Note {
  text: string;
  xshift: number;
  yshift: number;
}

/** The box of each name, in pixels of the plot area, and its mark. */
function boxes({ points, ...rest }: LabelledOptions) {
  const { layout } = labelledFigure({ points, ...rest });
  const axis = (name: string) => layout[name] as { range: [number, number] };
  const [x, y] = [axis("xaxis").range, axis("yaxis").range];
  const width = 900 - 92 - 40;
  return (layout.annotations as Note[]).slice(0, points.length).map(
    ({ text, xshift, yshift }, i) => {
      const mark = {
        x: (Math.log10(points[i].x) - x[0]) / (x[1] - x[0]) * width,
        y: (1 - (points[i].y - y[0]) / (y[1] - y[0])) * 420,
      };
      const [cx, cy, half] = [mark.x + xshift, mark.y - yshift, textWidth(text, 13) / 2];
      return { text, mark, left: cx - half, right: cx + half, top: cy - 8, bottom: cy + 8 };
    },
  );
}

Deno.test("labelledFigure() puts names where they meet no other name and no mark, inside the plot", () => {
  const crowd = Array.from({ length: 14 }, (_, i) => ({
    ...{ label: `defence number ${i}`, x: 10 ** (-2 - (i % 5) / 8), y: 90 + (i * 7 % 10) / 2 },
  }));
  const all = boxes(options([...crowd, { label: "far", x: 1e-4, y: 99 }]));
  for (const a of all) {
    assert(a.left >= 0 && a.right <= 768 && a.top >= 0 && a.bottom <= 420, a.text);
    for (const b of all) {
      const covers = b.mark.x > a.left && b.mark.x < a.right && b.mark.y > a.top &&
        b.mark.y < a.bottom;
      assert(!covers, `"${a.text}" lies on a mark`);
      if (a === b) continue;
      const apart = a.left >= b.right || b.left >= a.right || a.top >= b.bottom ||
        b.top >= a.bottom;
      assert(apart, `"${a.text}" meets "${b.text}"`);
    }
  }
});

Deno.test("labelledFigure() marks a point, names the upright line, and refuses a name twice", () => {
  const points = [{ label: "a", x: 1, y: 1 }, { label: "b", x: 2, y: 2, marked: true }];
  const { data, layout } = labelledFigure({
    ...options(points),
    upright: { label: "floor", x: 3 },
  });
  const { symbol } = data[0].marker as { symbol: string[] };
  assertEquals(symbol, ["circle", "diamond"]);
  assertEquals((layout.annotations as Note[]).at(-1)!.text, "floor");
  assertThrows(() => labelledFigure(options([points[0], points[0]])), TypeError, "appears twice");
  assertThrows(() => labelledFigure(options([{ label: "a", x: 0, y: 1 }])), RangeError, "log axis");
});
