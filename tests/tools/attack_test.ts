import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { decode } from "fast-png";
import { encodePng } from "lib/plot/png.ts";
import { npy } from "../data/weight_files.ts";
import { withFolder } from "./fixtures.ts";

const permitted = (await Promise.all(
  (["read", "write", "run", "env"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

const script = new URL("../../lib/tools/attack.ts", import.meta.url).href;
const config = new URL("../../deno.json", import.meta.url).pathname;

async function attack(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, ...args],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

test("deno task attack --json prints one object, the digit recovered", async () => {
  const { code, stdout } = await attack("--seed", "1", "--images", "1", "--offset", "7", "--json");
  assertEquals(code, 0);
  const result = JSON.parse(stdout);
  const { images: _, mean: __, ...setting } = result;
  assertEquals(setting, {
    dataset: "mnist",
    layer: "dense",
    hidden: 300,
    scaleBits: 8,
    weights: null,
    seed: 1,
    encrypted: false,
    objective: "tv-sum",
    solver: "fast",
    period: null,
    exact: 1,
  });
  const [digit] = result.images;
  assertEquals(Object.keys(digit), [
    "index",
    "status",
    "mse",
    "psnr",
    "ssim",
    "elapsedMs",
    "consistent",
    "certified",
    "certificate",
  ]);
  assertEquals([digit.certificate.argument, digit.certificate.rank], ["counting", 300]);
  assertLess(digit.certificate.log2Chance, -1000);
  assertEquals([digit.index, digit.status, digit.certified], [7, "optimal", true]);
  assertLess(digit.mse, 1e-8);
  assertEquals(Object.keys(result.mean), ["mse", "psnr", "ssim", "elapsedMs"]);
});

test("deno task attack --encrypted gives what the clear integers give", async () => {
  const flags = ["--seed", "2", "--hidden", "20", "--objective", "sum", "--images", "2", "--json"];
  const [clear, encrypted] = await Promise.all([attack(...flags), attack(...flags, "--encrypted")]);
  const scores = ({ stdout }: typeof clear) =>
    JSON.parse(stdout).images.map(({ elapsedMs: _, ...rest }: { elapsedMs: number }) => rest);
  assertEquals(scores(encrypted), scores(clear));
});

test("deno task attack reports an infeasible image without a number", async () => {
  // The strokes of a digit break the published rule of close neighbours; at full rank the equations
  // leave nothing but the digit.
  const flags = ["--seed", "1", "--hidden", "784", "--objective", "published", "--period", "2"];
  const { code, stdout } = await attack(...flags, "--images", "1", "--json");
  assertEquals(code, 0);
  const { images: [digit], mean } = JSON.parse(stdout);
  assertEquals([digit.status, digit.mse, mean.mse], ["infeasible", null, null]);
});

test("deno task attack --solver and --objective choose who attacks and how", async () => {
  const flags = ["--seed", "1", "--hidden", "250", "--images", "1", "--offset", "1", "--json"];
  const runs: [string[], boolean][] = [
    [["--solver", "highs"], true],
    [["--solver", "fast"], true],
    [["--solver", "batched"], true],
    [["--objective", "reweighted"], true],
    [["--objective", "gaussian"], false],
  ];
  for (const [choice, certified] of runs) {
    const { code, stdout, stderr } = await attack(...flags, ...choice);
    assertEquals(code, 0, stderr);
    const { images: [digit], objective } = JSON.parse(stdout);
    const named = choice[0] === "--objective" ? choice[1] : "tv-sum";
    assertEquals([objective, digit.status, digit.certified], [named, "optimal", certified]);
  }
});

test("deno task attack --layer takes a convolution for the layer", async () => {
  const flags = ["--dataset", "cifar10-gray", "--layer", "conv5", "--seed", "1", "--images", "1"];
  const { code, stdout, stderr } = await attack(...flags, "--json");
  if (/Cannot fetch/.test(stderr)) return console.warn(`not checked, offline: ${stderr}`);
  assertEquals(code, 0, stderr);
  const { hidden, images: [photo] } = JSON.parse(stdout);
  assertEquals([hidden, photo.certified], [6 * 28 * 28, true]);
});

test("deno task attack --dataset attacks images of the dataset it names", async () => {
  const flags = ["--seed", "1", "--hidden", "2", "--images", "1", "--objective", "sum"];
  const sizes = { "fashion-mnist": 784, "cifar10-gray": 1024, "cifar10": 3072 };
  for (const [dataset, n] of Object.entries(sizes)) {
    const { code, stdout, stderr } = await attack(...flags, "--dataset", dataset);
    if (/Cannot fetch/.test(stderr)) {
      console.warn(`not checked, offline: ${stderr}`);
      continue;
    }
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, `${dataset} test, dense W1 2 × ${n} at scale`);
  }
});

test("deno task attack takes the user's own layer and refuses a broken one, before it loads images", () =>
  withFolder(async (folder) => {
    const file = `${folder}/w.npy`;
    const bytes = npy(Float32Array.from({ length: 3 * 784 }, (_, i) => Math.sin(i)), [784, 3]);
    await Deno.writeFile(file, bytes);
    const flags = ["--weights", file, "--images", "1", "--json"];
    const own = await attack(...flags);
    assertEquals([own.code, JSON.parse(own.stdout).hidden], [0, 3]);
    assertStringIncludes(own.stderr, `${file}: [784, 3] is taken as [in, hidden] and transposed\n`);
    const wrong = await attack(...flags, "--hidden", "4");
    assertEquals([wrong.code, wrong.stdout], [2, ""]);
    assertStringIncludes(wrong.stderr, `--hidden is 4, ${file} has 3 units`);
    await Deno.writeFile(file, bytes.slice(0, -1));
    const truncated = await attack(...flags, "--dataset", "cifar10"); // which is not fetched for that
    assertEquals([truncated.code, truncated.stdout], [1, ""]);
    assertStringIncludes(truncated.stderr, `attack: Cannot read ${file}: truncated`);
    assertEquals(truncated.stderr.trimEnd().split("\n").length, 1, truncated.stderr);
  }));

test("deno task attack says why nothing was attacked, in text and JSON, and fails", () =>
  withFolder(async (folder) => {
    const file = `${folder}/zero.npy`;
    await Deno.writeFile(file, npy(new Float32Array(2 * 784), [2, 784]));
    const flags = ["--weights", file, "--images", "2", "--objective", "gaussian"];
    const [text, json] = [await attack(...flags), await attack(...flags, "--json")];
    assertEquals([text.code, json.code], [1, 1]);
    assertStringIncludes(text.stdout, "Cannot solve: the rank of W1 is too low");
    const { images: [image], solver } = JSON.parse(json.stdout);
    const { status, message, consistent } = image;
    assertEquals([status, message, consistent, solver], [
      "error",
      "Cannot solve: the rank of W1 is too low",
      false,
      null,
    ]);
    // The same layer and a linear program: black fits, and is worth nothing.
    const black = await attack("--weights", file, "--images", "1");
    assertEquals(black.code, 0);
    assertStringIncludes(black.stdout, "consistent, not certified: 784 pixels are in no equation");
  }));

test("deno task attack finds --weights from the folder that it is given in", () =>
  withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/w.npy`, npy(new Float32Array(784).fill(1), [1, 784]));
    const flags = ["--weights", "w.npy", "--images", "1", "--json"];
    const { INIT_CWD: _, ...env } = Deno.env.toObject(); // deno task leaves one that is there, as its own tests' is
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "--config", config, "attack", ...flags],
      cwd: folder,
      clearEnv: true,
      env,
      stdin: "null",
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  }));

test("deno task attack refuses bad usage in one line, status 2, nothing on stdout", async () => {
  const faults: [string[], string][] = [
    [
      ["--dataset", "imagenet"],
      "--dataset must be one of mnist, mnist-full, fashion-mnist, cifar10-gray, cifar10",
    ],
    [["--frobnicate"], "unknown flag --frobnicate"],
    [["--hidden", "0"], "--hidden must be an integer"],
    [["--offset", "999", "--images", "2"], "past the last test image, 999"],
    [["--seed", "1", "--weights", "w.npy"], "exclude each other"],
    [["--layer", "conv5", "--hidden", "9"], "--layer and --hidden exclude each other"],
    [["--layer", "conv5", "--weights", "w.npy"], "--layer and --weights exclude each other"],
    [["--objective", "gaussian", "--period", "2"], "gaussian takes no inequalities"],
    [["--tensor", "w"], "--tensor is for --weights"],
    [["--stride", "2"], "--stride is for --weights"],
    [["--grey"], "--grey is for --images-from"],
    [
      ["--dataset", "mnist", "--images-from", "x"],
      "--dataset and --images-from exclude each other",
    ],
    [["--layer", "conv3"], "conv3 takes images of 3 channels, not mnist"],
  ];
  const results = await Promise.all(faults.map(([flags]) => attack(...flags)));
  results.forEach(({ code, stdout, stderr }, i) => {
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, faults[i][1]);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  });
  const taken = await attack("--out", config);
  assertEquals([taken.code, taken.stdout], [1, ""]);
  assertStringIncludes(taken.stderr, `Cannot write into ${config}: it is a file`);
  const missing = await attack("--weights", "no-such-file.npy");
  assertEquals([missing.code, missing.stdout], [1, ""]);
  assertStringIncludes(missing.stderr, `Cannot read ${Deno.cwd()}/no-such-file.npy: no such file`);
});

test("deno task attack --images-from attacks images of one's own, and --out draws them", () =>
  withFolder(async (folder) => {
    const rgb = Uint8Array.from({ length: 3 * 12 * 10 }, (_, i) => (i * i) % 251);
    for (const name of ["cat.png", "dog.png"]) {
      await Deno.writeFile(`${folder}/${name}`, encodePng(rgb.reverse(), [12, 10, 3]));
    }
    const flags = ["--images-from", folder, "--hidden", "360", "--seed", "1", "--images", "9"];
    const { code, stdout, stderr } = await attack(...flags, "--out", `${folder}/drawn`);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "dense W1 360 × 360 at scale");
    assertStringIncludes(stdout, "cat.png  optimal");
    assertStringIncludes(
      stdout,
      `original | recovered: ${folder}/drawn/grid.png and a PNG for each`,
    );
    const files = await Array.fromAsync(Deno.readDir(`${folder}/drawn`), ({ name }) => name);
    assertEquals(files.sort(), ["grid.png", "image-0.png", "image-1.png"]);
    const { width, height, channels } = decode(await Deno.readFile(`${folder}/drawn/image-1.png`));
    assertEquals([width, height, channels], [9 * 21, 9 * 12, 1]); // a palette
    const { stdout: json } = await attack(...flags, "--json", "--resize", "6x5", "--grey");
    const { dataset, hidden, imagesFrom, images } = JSON.parse(json);
    assertEquals([dataset, hidden, imagesFrom], [null, 360, [folder]]);
    assertEquals(images.map((one: { name: string }) => one.name), ["cat.png", "dog.png"]);
    assertEquals(images[0].ssim, null); // under 11 × 11
  }));
