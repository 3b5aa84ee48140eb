import { assertEquals } from "@std/assert";
import { inProcess } from "lib/net/connection.ts";
import { seededRng } from "lib/math/rng.ts";
import { dataset } from "lib/data/dataset.ts";
import { DESCENT } from "lib/nn/optimizer.ts";
import { train } from "lib/protocol/mitig2/client.ts";
import { serve } from "lib/protocol/mitig2/server.ts";
import * as mitig3 from "lib/protocol/mitig3/client.ts";
import * as mitig3Server from "lib/protocol/mitig3/server.ts";
import { NARROW } from "lib/protocol/mitig3/terms.ts";
import { mitig2Recorder, mitig3Recorder } from "lib/protocol/recorder.ts";
import { decodeView, encodeView } from "lib/protocol/recorded_view.ts";

const x = seededRng(4).bytes(8 * 784);
const y = Uint8Array.from({ length: 8 }, (_, i) => i % 2);
const digits = dataset({ name: "noise", x, y, shape: [28, 28, 1], classes: ["0", "1"] });
const data = { train: digits, test: digits };

Deno.test("what MITIG2's server sees is recorded, and comes back from its file", async () => {
  const { observe, view } = mitig2Recorder();
  assertEquals(view(), null);
  const [ours, theirs] = inProcess();
  const served = serve(theirs, { rng: seededRng(2), observe });
  const setting = { ...DESCENT, epochs: 2, batch: 4 };
  await train(ours, data, { setting, hidden: 3, rng: seededRng(1) });
  ours.close();
  await served;
  const seen = view()!;
  assertEquals([seen.scheme, seen.units, seen.steps.length, seen.classes], ["mitig2", 3, 4, 2]);
  assertEquals([...decodeView("f", encodeView(seen)).steps[3].z1], [...seen.steps[3].z1]);
});

Deno.test("what mitig3's server sees is recorded, without names", async () => {
  const { observe, view } = mitig3Recorder();
  const [ours, theirs] = inProcess();
  const served = mitig3Server.serve(theirs, { rng: seededRng(2), observe });
  const setting = { ...NARROW, epochs: 1, batch: 4 };
  await mitig3.train(ours, data, { setting, units: 3, insecureSeed: 1 });
  ours.close();
  await served;
  const seen = view()!;
  assertEquals([seen.scheme, seen.units, seen.steps[0].samples], ["mitig3", 2, null]);
});
