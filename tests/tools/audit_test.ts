/** `deno task audit` as a process: what it prints, writes, and exits with. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import example from "lib/audit/example.yaml" with { type: "text" };
import { seededRng } from "lib/math/rng.ts";
import { encodePng } from "lib/plot/png.ts";
import { npy, zip } from "../data/weight_files.ts";
import { ended, permitted, withFolder } from "./fixtures.ts";
import { Party } from "./party_processes.ts";

const script = new URL("../../lib/tools/audit.ts", import.meta.url).href;

const audit = (...args: string[]) =>
  ended(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", script, ...args],
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );

const test = (name: string, fn: (folder: string) => Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn: () => withFolder(fn) });

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();

/** Two images of 8 × 8 and a layer of that many units. */
async function subject(folder: string, units: number): Promise<void> {
  await Deno.mkdir(`${folder}/images`, { recursive: true });
  for (const name of ["a", "b"]) {
    const pixels = Uint8Array.from({ length: 64 }, (_, p) => name === "a" ? 4 * p : 255 - 3 * p);
    await Deno.writeFile(`${folder}/images/${name}.png`, encodePng(pixels, [8, 8, 1]));
  }
  const W = Float32Array.from({ length: units * 64 }, (_, i) => Math.sin(i * i));
  await Deno.writeFile(`${folder}/w.npy`, npy(W, [units, 64]));
}

test("deno task audit finds leaks, status 1, and writes page, JSON and pictures; a file says what flags say", async (folder) => {
  await subject(folder, 70);
  const config = `${folder}/audit.json`;
  const keys = { weights: "w.npy", "images-from": "images", seconds: 500, "insecure-seed": 1 };
  await Deno.writeTextFile(config, JSON.stringify({ ...keys, out: "report" }));
  const { code, stdout, stderr } = await audit(config, "--seconds", "60", "--json");
  assertEquals(code, 1, stderr);
  const report = JSON.parse(stdout);
  assertEquals([report.verdict.leaks, report.seconds.given, report.scheme], [true, 60, "cryptonn"]);
  assertEquals(report.insecureSeed, 1);
  assert(report.notes.some((line: string) => line.includes("rounded to multiples of")), stdout);
  assertEquals(await names(`${folder}/report`), ["pictures", "report.html", "report.json"]);
  assertEquals(await Deno.readTextFile(`${folder}/report/report.json`), stdout);
  assertStringIncludes(stderr, "audit ");
  assertEquals(await names(folder), ["audit.json", "images", "report", "w.npy"]);
});

test("deno task audit finds nothing, status 0, and says in text where the page is", async (folder) => {
  const noise = seededRng(3).bytes(120 * 64);
  const y = Array.from({ length: 120 }, (_, k) => k % 2);
  const arrays = { "x.npy": npy(noise, [120, 8, 8], "|u1"), "y.npy": npy(y, [120], "|u1") };
  await Deno.writeFile(`${folder}/noise.npz`, zip(arrays));
  const flags = ["--scheme", "mitig3", "--hidden", "8", "--labels", "y"];
  const images = ["--images-from", `${folder}/noise.npz`];
  const more = [
    "--out",
    `${folder}/out`,
    "--seconds",
    "90",
    "--insecure-seed",
    "1",
    "--epochs",
    "2",
  ];
  const { code, stdout, stderr } = await audit(...flags, ...images, ...more);
  assertStringIncludes(stdout, `${folder}/out/report.html`);
  assertEquals(code, 0, stdout + stderr);
  assertEquals(await names(`${folder}/out`), ["pictures", "report.html", "report.json"]);
});

test("deno task audit --example prints a configuration", async () => {
  const { code, stdout } = await audit("--example");
  assertEquals([code, stdout], [0, example]);
});

test("deno task audit says in one line why it cannot run, status 2, and writes nothing", async (folder) => {
  await subject(folder, 3);
  const weights = ["--weights", `${folder}/w.npy`];
  const model = [...weights, "--images-from", `${folder}/images`];
  const out = ["--out", `${folder}/out`];
  await Deno.writeTextFile(`${folder}/unknown.yaml`, "wieghts: w.npy");
  await Deno.writeFile(`${folder}/wide.npy`, npy(new Float32Array(300), [3, 100]));
  const before = await names(folder);
  const cases: [args: string[], message: string][] = [
    [[], "nothing to audit: give --weights FILE (or --hidden N under"],
    [[...weights, ...out], "samples are needed: give --images-from DIR|FILE or --dataset NAME"],
    [[...model, "--run", "r", ...out], "--weights and --run exclude each other"],
    [[...model, "--names", "n", ...out], "--names is for --run"],
    [[...model], "--out DIR is needed, or --json to print alone"],
    [[...model, "--out", `${folder}/w.npy`], `Cannot write into ${folder}/w.npy: it is a file`],
    [[...model, "--frobnicate"], "unknown flag --frobnicate"],
    [["a.yaml", "b.yaml"], "one CONFIG at most: got a.yaml, b.yaml"],
    [[`${folder}/none.yaml`], `Cannot read ${folder}/none.yaml: no such file`],
    [[`${folder}/unknown.yaml`], `unknown key "wieghts": did you mean weights?`],
    [["--run", `${folder}/w.npy`, ...out], `Cannot read ${folder}/w.npy: `],
    [
      [...weights, "--images-from", `${folder}/none`, ...out],
      `Cannot read ${folder}/none: no such`,
    ],
    [["--weights", `${folder}/wide.npy`, ...model.slice(2), ...out], "wide.npy"],
  ];
  if (Deno.build.os === "linux") cases.push([[...model, "--out", "/proc/x"], "Cannot write into"]);
  await Promise.all(cases.map(async ([args, message]) => {
    const { code, stdout, stderr } = await audit(...args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, "audit: ");
  }));
  assertEquals(await names(folder), before);
});

test("deno task audit that is stopped ends with 130 and writes nothing", async (folder) => {
  await subject(folder, 20);
  const flags = ["--weights", `${folder}/w.npy`, "--images-from", `${folder}/images`];
  const running = new Party("audit", [...flags, "--out", `${folder}/out`, "--seconds", "600"]);
  await running.said(/audit \d+\/100/);
  running.kill("SIGTERM");
  assertEquals(await running.ended(), 130, running.stderr);
  assertStringIncludes(running.stderr, "audit: stopped, nothing was written");
  assertEquals(await names(folder), ["images", "w.npy"]);
});
