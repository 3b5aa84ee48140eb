import { assert, assertEquals, assertLess } from "@std/assert";
import { boxesAlong, placeLabels, sharedArea } from "lib/plot/labels.ts";

const frame = { left: 0, top: 0, right: 400, bottom: 300 };
const point = (x: number, y: number, label = "label") => ({ x, y, label });

Deno.test("placeLabels() stands right of a free point, left of one at the right edge", () => {
  const places = placeLabels([point(100, 100), point(395, 200)], [], frame);
  assertEquals(places.map((place) => place?.position), ["middle right", "middle left"]);
});

Deno.test("placeLabels() keeps the labels of a dense cloud off each other and off the points", () => {
  const points = Array.from({ length: 12 }, (_, i) => point(60 + i * 24, 150 + 30 * Math.sin(i)));
  const places = placeLabels(points, [], frame).map((place) => place!.rect);
  places.forEach((a, i) => {
    for (const b of places.slice(i + 1)) assertEquals(sharedArea(a, b), 0);
    for (const { x, y } of points) {
      assert(!(a.left < x && x < a.right && a.top < y && y < a.bottom), `label ${i} on a point`);
    }
  });
});

Deno.test("placeLabels() goes round a line and gives an empty label no place", () => {
  const line = boxesAlong(100, 300, 100, 100);
  const [place, none] = placeLabels([point(100, 100), point(200, 200, "")], line, frame);
  assertEquals(place?.position, "top center");
  assertEquals(none, undefined);
});

Deno.test("placeLabels() does not put a label where it reads as a neighbour's", () => {
  const bar = { left: 180, right: 184, top: 0, bottom: 300 }; // costs more than the neighbour's edge
  const low = { ...frame, top: 95, bottom: 105 };
  const [left, right] = placeLabels([point(200, 100), point(206, 100)], [bar], low);
  assertEquals([left?.position, right?.position], ["middle left", "middle right"]);
});

Deno.test("boxesAlong() covers a line from end to end with small boxes", () => {
  const boxes = boxesAlong(0, 30, 40, 0);
  assertEquals(boxes.length, 9);
  assertEquals([boxes[0].left, boxes[0].bottom, boxes[8].right, boxes[8].top], [-1, 41, 31, -1]);
  for (const { left, right } of boxes) assertLess(right - left, 6);
});
