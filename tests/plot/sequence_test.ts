import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { Rect } from "lib/plot/figure.ts";
import { layOut, sequenceFigure, type SequenceStep } from "lib/plot/sequence.ts";
import { palette } from "lib/plot/theme.ts";
import { sequenceOptions } from "./fixtures.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const width = 868;
const { roles, steps } = sequenceOptions();

/** Area that two rectangles share. */
function sharedArea(a: Rect, b: Rect): number {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return across > 0 && down > 0 ? across * down : 0;
}

const laidOut = (list: readonly SequenceStep[]) => {
  const { headers, placed, height } = layOut(roles, list, width);
  const kind = (name: SequenceStep["kind"]) => placed.filter(({ step }) => step.kind === name);
  return { headers, height, messages: kind("message"), works: kind("work"), groups: kind("group") };
};

/** No two texts or boxes meet, all stand inside the diagram, and arrows cross no text. */
function checkLayout(list: readonly SequenceStep[]): void {
  const { headers, messages, works, groups, height } = laidOut(list);
  const texts = [...headers, ...[...messages, ...works].flatMap((p) => [p.label, p.detail!])]
    .concat(groups.map((group) => group.label)).map((block) => block.rect);
  texts.forEach((a, i) => {
    assert(a.left >= 0 && a.right <= width && a.top >= 0 && a.bottom <= height, "inside");
    for (const b of texts.slice(i + 1)) assertEquals(sharedArea(a, b), 0);
    for (const { rect, arrow } of messages) {
      const { from, to, y } = arrow!;
      assert(Math.min(from, to) >= 0 && y > rect.top && y < rect.bottom);
      assert(a.bottom <= y || a.top >= y || a.right < rect.left || a.left > rect.right);
    }
  });
  const boxes = [...messages, ...works].map((placed) => placed.rect);
  boxes.forEach((a, i) => {
    assert(a.left >= 0 && a.right <= width);
    for (const b of boxes.slice(i + 1)) assertEquals(sharedArea(a, b), 0);
    for (const { rect } of groups) {
      const shared = sharedArea(a, rect), area = (a.right - a.left) * (a.bottom - a.top);
      assert(shared === 0 || Math.abs(shared - area) < 1e-6, "a frame cuts no step");
    }
  });
}

Deno.test("layOut() lets nothing meet, whatever the steps", () => {
  const words = fc.array(fc.constantFrom("z1", "300 × 256", "float32,", "gradients", "of"), {
    minLength: 1,
    maxLength: 12,
  }).map((list) => list.join(" "));
  const role = fc.constantFrom(...roles);
  const { step } = fc.letrec<{ step: SequenceStep }>((tie) => ({
    step: fc.oneof(
      { depthSize: "small", maxDepth: 3 },
      fc.record({ kind: fc.constant("work" as const), at: role, label: words, detail: words }),
      fc.tuple(role, role, words, words).filter(([from, to]) => from !== to).map((
        [from, to, label, detail],
      ) => ({ kind: "message" as const, from, to, label, detail })),
      fc.record({
        kind: fc.constant("group" as const),
        label: words,
        steps: fc.array(tie("step"), { minLength: 1, maxLength: 3 }),
      }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), checkLayout),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("layOut() breaks a long label into lines of about one length", () => {
  const { messages } = laidOut(steps);
  const { lines } = messages[1].label;
  assertEquals(lines, ["z1 and the labels of the", "whole batch, one row a unit"]);
});

Deno.test("layOut() keeps the steps' order from top to bottom and frames inside each other", () => {
  const { messages, works, groups } = laidOut(steps);
  assert(works[0].rect.bottom < messages[0].rect.top);
  assert(works[1].rect.bottom < messages[1].rect.top);
  const [outer, inner] = groups.map((group) => group.rect);
  assert(outer.left < inner.left && outer.right > inner.right);
  assert(outer.top < inner.top && outer.bottom > inner.bottom);
  assertLess(outer.bottom, messages[2].rect.top);
});

Deno.test("sequenceFigure() writes every label and measured detail", () => {
  const { layout, width, height } = sequenceFigure(sequenceOptions()) as Loose;
  const texts = layout.annotations.map((a: Loose) => a.text.replaceAll("<br>", " "));
  for (
    const text of ["authority", "z1 = W1·x", "4.1 ms", "for every batch", "dz1", "307 kB"]
  ) assert(texts.includes(text), `missing ${text}`);
  assertEquals(width, 900);
  assertLess(height, 700);
});

Deno.test("sequenceFigure() shows who, what and how much under the pointer", () => {
  const { data } = sequenceFigure(sequenceOptions()) as Loose;
  assertEquals(data.map((trace: Loose) => trace.text), [
    "authority<br>setup of B = L·U, n = 784<br>0.31 s",
    "authority → server<br>function-hiding keys in G1<br>300 × 785 × 48 bytes, 11.3 MB",
    "client<br>z1 = W1·x<br>4.1 ms",
    "client → server<br>z1 and the labels of the whole batch, one row a unit<br>" +
    "z1: 300 × 256 float32, 307 kB",
    "server → client<br>dz1<br>307 kB",
  ]);
  for (const trace of data) assertEquals([trace.hoveron, trace.hoverinfo], ["fills", "text"]);
});

Deno.test("sequenceFigure() colours an arrow as its sender and points it at its receiver", () => {
  const { layout } = sequenceFigure(sequenceOptions()) as Loose;
  const arrows = layout.shapes.filter((shape: Loose) => shape.type === "path");
  assertEquals(arrows.map((a: Loose) => a.line.color), [palette[0], palette[1], palette[2]]);
  const [from, back, tip] = arrows[2].path.match(/[ML]([\d.]+)/g).map((s: string) => +s.slice(1));
  assert(from > back && back > tip, "server → client runs to the left");
});

Deno.test("sequenceFigure() is plain data: it survives JSON unchanged", () => {
  const figure = sequenceFigure(sequenceOptions());
  assertEquals(JSON.parse(JSON.stringify(figure)), figure);
});

const message = { kind: "message", from: "client", to: "server", label: "z1", detail: "1 kB" };
for (
  const [fault, change, errorClass, text] of [
    ["no steps", { steps: [] }, TypeError, "no steps"],
    [
      "an empty frame",
      {
        steps: [{ kind: "group", label: "loop", steps: [] }],
      },
      TypeError,
      "no steps",
    ],
    ["one role", { roles: ["client"] }, RangeError, "1 roles, expected 2 or 3"],
    ["four roles", { roles: ["a", "b", "c", "d"] }, RangeError, "4 roles"],
    ["two roles of one name", { roles: ["a", "a"] }, TypeError, "appears twice"],
    ["an unknown sender", { steps: [{ ...message, from: "eve" }] }, TypeError, 'role "eve"'],
    ["an unknown receiver", { steps: [{ ...message, to: "eve" }] }, TypeError, 'role "eve"'],
    [
      "an unknown worker",
      {
        steps: [{ kind: "work", at: "eve", label: "a", detail: "b" }],
      },
      TypeError,
      'role "eve"',
    ],
    ["a message to its sender", { steps: [{ ...message, to: "client" }] }, TypeError, "itself"],
    ["an empty label", { steps: [{ ...message, label: " " }] }, TypeError, "has no label"],
    [
      "a word wider than its place",
      {
        steps: [{ ...message, label: "x".repeat(60) }],
      },
      RangeError,
      "pixels wide",
    ],
  ] as const
) {
  Deno.test(`sequenceFigure() refuses ${fault}`, () => {
    assertThrows(() => sequenceFigure(sequenceOptions(change as Loose)), errorClass, text);
  });
}
