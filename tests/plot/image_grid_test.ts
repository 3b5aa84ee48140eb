import { assert, assertEquals, assertLess, assertLessOrEqual, assertThrows } from "@std/assert";
import { imageGrid } from "lib/plot/image_grid.ts";
import { gridOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

function mnistSized(columns: number): Loose {
  let state = 1;
  const noise = () =>
    Float64Array.from(
      { length: 784 },
      () => (state = state * 48271 % 2147483647) / 2147483647 * 255,
    );
  const labels = ["original", "published LP", "min Σx", "TV + Σx"];
  const images = () => Array.from({ length: columns }, noise);
  const captions = Array.from({ length: columns }, () => "MSE 0.141");
  return gridOptions({
    shape: [28, 28, 1],
    columns: undefined,
    rows: labels.map((label) => ({ label, images: images(), captions })),
  });
}

Deno.test("imageGrid() places one image a cell and a grey cell where there is none", () => {
  const { layout } = imageGrid(gridOptions()) as Loose;
  assertEquals(layout.images.length, 3);
  assertEquals(layout.shapes.length, 1);
  const texts = layout.annotations.map((a: Loose) => a.text);
  for (const text of ["first", "second", "original", "recovered", "exact", "none"]) {
    assert(texts.includes(text), `missing ${text}`);
  }
});

Deno.test("imageGrid() keeps pixels square and on the PNG's own pixels", () => {
  const { layout, width, height } = imageGrid(gridOptions()) as Loose;
  const { l, r, t, b } = layout.margin;
  for (const image of layout.images) {
    const across = image.sizex * (width - l - r) * 2 / 3,
      down = image.sizey * (height - t - b) * 2 / 4;
    assert(Math.abs(across - down) < 1e-9 && Math.abs(across - Math.round(across)) < 1e-9);
    const left = image.x * (width - l - r) * 2, top = (1 - image.y) * (height - t - b) * 2;
    assert(Math.abs(left - Math.round(left)) < 1e-9 && Math.abs(top - Math.round(top)) < 1e-9);
  }
});

Deno.test("imageGrid() of 10 × 4 noise images of 28 × 28 is far below 300 KB of JSON", () => {
  const figure = imageGrid(mnistSized(10));
  assertLess(JSON.stringify(figure).length, 150_000);
  assertLessOrEqual(figure.width, 950);
});

Deno.test("imageGrid() enlarges few images more than many", () => {
  const size = (columns: number) => {
    const { layout, width } = imageGrid(mnistSized(columns)) as Loose;
    const plotWidth = width - layout.margin.l - layout.margin.r;
    return Math.round(layout.images[0].sizex * plotWidth * 2 / 28) / 2;
  };
  assertEquals([size(3), size(10)], [4, 2.5]);
});

Deno.test("imageGrid() clips a solver's rounding overshoot", () => {
  const pixels = [-0.4, 255.4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const clipped = [0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const source = (image: number[]) =>
    (imageGrid(gridOptions({ columns: ["a"], rows: [{ label: "a", images: [image] }] })) as Loose)
      .layout.images[0].source;
  assertEquals(source(pixels), source(clipped));
});

const [row] = gridOptions().rows;
for (
  const [fault, change, errorClass, message] of [
    ["no rows", { rows: [] }, TypeError, "no images"],
    ["a row without images", { rows: [{ label: "a", images: [] }] }, TypeError, "no images"],
    ["two rows of one label", { rows: [row, row] }, TypeError, "appears twice"],
    ["too few column labels", { columns: ["a"] }, TypeError, "1 column labels for 2 columns"],
    [
      "a shorter row",
      {
        rows: [row, { label: "b", images: [null] }],
      },
      TypeError,
      "1 images, expected 2",
    ],
    ["too few captions", { rows: [{ ...row, captions: ["a"] }] }, TypeError, "1 captions"],
    [
      "a wrong pixel count",
      {
        rows: [{ label: "a", images: [new Uint8Array(11), null] }],
      },
      TypeError,
      "has 11 pixels, expected 12",
    ],
    [
      "NaN",
      {
        rows: [{ label: "a", images: [new Float64Array(12).fill(NaN), null] }],
      },
      RangeError,
      "[0] is NaN",
    ],
    [
      "a pixel over 255",
      {
        rows: [{ label: "a", images: [new Float64Array(12).fill(256), null] }],
      },
      RangeError,
      "pixel 256",
    ],
    [
      "a negative pixel",
      {
        rows: [{ label: "a", images: [new Float64Array(12).fill(-1), null] }],
      },
      RangeError,
      "pixel -1",
    ],
    ["two channels", { shape: [4, 3, 2] }, TypeError, "2 channels"],
  ] as const
) {
  Deno.test(`imageGrid() refuses ${fault}`, () => {
    assertThrows(() => imageGrid(gridOptions(change as Loose)), errorClass, message);
  });
}
