import { assertEquals, assertThrows } from "@std/assert";
import example from "lib/audit/example.yaml" with { type: "text" };
import { AUDIT_FLAGS, type AuditConfig, checkConfig, sizeOf } from "lib/audit/config.ts";
import { parseCommand, UsageError } from "lib/tools/args.ts";
import { parseConfig } from "lib/tools/config.ts";

const parse = (text: string) =>
  parseConfig("/home/ada/audit.yaml", new TextEncoder().encode(text), AUDIT_FLAGS);

Deno.test("the example is a configuration: as it stands, and with each key taken out of its comment", () => {
  assertEquals(parse(example), {
    weights: "/home/ada/model.safetensors",
    "images-from": ["/home/ada/images"],
    ...{ scheme: "cryptonn", out: "/home/ada/audit", seconds: 60 },
  });
  checkConfig({ grey: false, json: false, ...parse(example) } as AuditConfig);
  const all = parse(example.replaceAll(/^# (?=[a-z-]+: \S)/gm, (mark, at) => at === 0 ? mark : ""));
  assertEquals(Object.keys(all).sort(), Object.keys(AUDIT_FLAGS).sort());
});

const config = (...args: string[]) =>
  checkConfig(parseCommand({ name: "audit", summary: "", flags: AUDIT_FLAGS }, args).values);

Deno.test("checkConfig() takes a model with samples, or a run with or without", () => {
  const out = ["--out", "/o"];
  config("--weights", "/m.npy", "--images-from", "/a.png", "/b.png", ...out);
  config("--run", "/r.safetensors", ...out);
  config("--run", "/r", "--names", "/n", "--images-from", "/i", "--known", "3", "--json");
  assertEquals(config("--run", "/r", "--public-from", "/p", "--grey", "--json").seconds, 60);
  const images = config("--images-from", "/a.png", "/b.png", "--weights", "/m", "--json");
  assertEquals(images["images-from"], ["/a.png", "/b.png"]);
});

Deno.test("checkConfig() refuses what does not go together, in a line", () => {
  const cases: [args: string[], message: string][] = [
    [["--out", "/o"], "nothing to audit: give --weights FILE and --images-from DIR, or --run"],
    [["--images-from", "/i", "--out", "/o"], "nothing to audit"],
    [["--weights", "/m", "--out", "/o"], "--weights needs --images-from"],
    [["--weights", "/m", "--run", "/r", "--out", "/o"], "--weights and --run exclude each other"],
    [["--run", "/r", "--tensor", "w", "--out", "/o"], "--tensor is for --weights, not for --run"],
    [["--run", "/r", "--stride", "1", "--out", "/o"], "--stride is for --weights"],
    [
      ["--weights", "/m", "--images-from", "/i", "--names", "/n", "--out", "/o"],
      "--names is for --run",
    ],
    [["--run", "/r", "--names", "/n", "--out", "/o"], "--names needs --images-from"],
    [["--run", "/r", "--known", "5", "--out", "/o"], "--known needs --images-from"],
    [["--run", "/r", "--grey", "--out", "/o"], "--grey is for --images-from and --public-from"],
    [["--run", "/r"], "--out DIR is needed, or --json"],
    [
      ["--run", "/r", "--images-from", "/i", "--resize", "28", "--json"],
      '--resize must be height x width in pixels, such as 28x28: got "28"',
    ],
  ];
  for (const [args, message] of cases) assertThrows(() => config(...args), UsageError, message);
});

Deno.test("sizeOf() reads height and width", () => {
  assertEquals([sizeOf("28x30"), sizeOf("1X2"), sizeOf("3×4")], [[28, 30], [1, 2], [3, 4]]);
  for (const text of ["", "28", "x28", "0x28", "28x-1", "28 x 28", "1e3x2"]) {
    assertThrows(() => sizeOf(text), UsageError, "such as 28x28");
  }
});
