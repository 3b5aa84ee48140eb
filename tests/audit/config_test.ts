import { assertEquals, assertThrows } from "@std/assert";
import example from "lib/audit/example.yaml" with { type: "text" };
import { AUDIT_FLAGS, checkConfig, sizeOf } from "lib/audit/config.ts";
import { parseCommand, UsageError } from "lib/tools/args.ts";
import { parseConfig } from "lib/tools/config.ts";
import { permitted } from "../tools/fixtures.ts";

const test = (name: string, fn: () => void) => Deno.test({ name, ignore: !permitted, fn });

const parse = (text: string) =>
  parseConfig("/home/ada/audit.yaml", new TextEncoder().encode(text), AUDIT_FLAGS);

test("the example is a configuration: as it stands, and with each key taken out of its comment", () => {
  assertEquals(parse(example), {
    weights: "/home/ada/model.safetensors",
    "images-from": ["/home/ada/images"],
    ...{ scheme: "cryptonn", out: "/home/ada/audit", seconds: 60 },
  });
  checkConfig(parse(example));
  const all = parse(example.replaceAll(/^# (?=[a-z-]+: \S)/gm, (mark, at) => at === 0 ? mark : ""));
  assertEquals(Object.keys(all).sort(), Object.keys(AUDIT_FLAGS).sort());
});

const config = (...args: string[]) =>
  checkConfig(parseCommand({ name: "audit", summary: "", flags: AUDIT_FLAGS }, args).values);

test("checkConfig() takes a model with samples, or a run with or without", () => {
  const out = ["--out", "/o"];
  config("--weights", "/m.npy", "--images-from", "/a.png", "/b.png", ...out);
  config("--run", "/r.safetensors", ...out);
  config("--run", "/r", "--names", "/n", "--images-from", "/i", "--known", "3", "--json");
  config("--run", "/r", "--dataset", "mnist", "--names", "/n", "--json");
  config("--hidden", "300", "--scheme", "mitig3", "--sigma", "0.5", "--dataset", "mnist", "--json");
  config("--run", "/r", "--public-from", "/p", "--grey", "--json");
  const images = config("--images-from", "/a.png", "/b.png", "--weights", "/m", "--json");
  assertEquals(images["images-from"], ["/a.png", "/b.png"]);
});

test("checkConfig() refuses what does not go together, in a line", () => {
  const model = ["--weights", "/m", "--images-from", "/i", "--json"];
  const run = ["--run", "/r", "--json"];
  const cases: [args: string[], message: string][] = [
    [["--json"], "nothing to audit: give --weights FILE (or --hidden N under"],
    [["--images-from", "/i", "--json"], "nothing to audit"],
    [["--weights", "/m", "--json"], "samples are needed: give --images-from DIR|FILE or --dataset"],
    [["--hidden", "9", "--scheme", "mitig2", "--json"], "samples are needed"],
    [[...model, "--run", "/r"], "--weights and --run exclude each other"],
    [[...model, "--hidden", "9"], "--hidden is in place of --weights"],
    [["--hidden", "9", "--images-from", "/i", "--json"], "under --scheme mitig1, mitig2 or mitig3"],
    [[...run, "--tensor", "w"], "--tensor is for --weights"],
    [[...run, "--stride", "1"], "--stride is for --weights"],
    [[...run, "--epochs", "1"], "--epochs is for a training that is made, not --run"],
    [[...model, "--sigma", "1"], "--sigma is for --scheme mitig3"],
    [
      [...model, "--scheme", "mitig3", "--sigma", "0"],
      '--sigma must be a positive number: got "0"',
    ],
    [[...model, "--names", "/n"], "--names is for --run"],
    [[...model, "--dataset", "mnist"], "--dataset is in place of --images-from and --public-from"],
    [[...run, "--names", "/n"], "--names needs --images-from"],
    [[...run, "--known", "5"], "--known needs --images-from"],
    [[...run, "--grey"], "--grey is for --images-from and --public-from"],
    [[...run, "--dataset", "mnist", "--resize", "8x8"], "--resize is for --images-from"],
    [["--run", "/r"], "--out DIR is needed, or --json"],
    [
      [...model, "--resize", "28"],
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
