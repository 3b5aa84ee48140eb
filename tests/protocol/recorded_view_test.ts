import { assertEquals, assertThrows } from "@std/assert";
import type { TrainingView } from "lib/attack/training/view.ts";
import { decodeView, encodeView } from "lib/protocol/recorded_view.ts";
import { DataError } from "lib/data/dataset.ts";
import { seal } from "lib/data/safetensors.ts";

const step = (m: number, rate: number | null) => ({
  samples: Uint32Array.from({ length: m }, (_, i) => 70_000 + i),
  z1: Float64Array.from({ length: 2 * m }, (_, i) => i / 3),
  labels: Uint8Array.from({ length: m }, (_, i) => i % 3),
  dz1: Float64Array.from({ length: 2 * m }, (_, i) => -i / 7),
  ...{ rate, W1: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8), dW1: null },
});
const view: TrainingView = {
  ...{ scheme: "cryptonn", units: 2, classes: 3, shape: [2, 2, 1], inputScale: 2 ** -8 },
  steps: [step(3, 0.5), step(1, null)],
};

Deno.test("a view comes back from its file as it was, to the last bit", () => {
  assertEquals(decodeView("run", encodeView(view)), { ...view, count: null });
  assertEquals(decodeView("run", encodeView({ ...view, count: 7 })), { ...view, count: 7 });
  const split: TrainingView = {
    ...{ ...view, scheme: "mitig2" },
    steps: view.steps.map((one) => ({
      ...one,
      ...{ z1: Float32Array.from(one.z1), dz1: Float32Array.from(one.dz1) },
      ...{ samples: null, labels: null, W1: null },
    })),
  };
  const back = decodeView("run", encodeView(split));
  assertEquals([...back.steps[0].z1], [...split.steps[0].z1]);
  assertEquals([back.steps[0].samples, back.steps[1].labels, back.steps[1].W1], [null, null, null]);
});

Deno.test("a damaged file, one of another kind and one without z1 are refused", () => {
  const bytes = encodeView(view);
  bytes[bytes.length - 1] ^= 1;
  assertThrows(() => decodeView("run", bytes), DataError, "Cannot read run: its SHA-256");
  assertThrows(
    () => decodeView("run", seal({}, { kind: "model" })),
    DataError,
    "it is model, expected",
  );
  const { steps } = view;
  const none = encodeView({
    ...view,
    steps: steps.map((one) => ({ ...one, z1: one.z1.slice(0, 0) })),
  });
  assertThrows(
    () => decodeView("run", none),
    DataError,
    "Cannot read run: Cannot build a view: z1 of step 0 has 0 entries",
  );
});
