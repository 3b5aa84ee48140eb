/** Audits as the tests of their page need them: digits that all are recovered, colour under many attacks, rows of a
 * table of which nothing is found.
 * @module */
import type { AttackFinding, Audit, Change, Outcome, Pair } from "lib/audit/findings.ts";
import { SCHEMA } from "lib/audit/findings.ts";
import { seededRng } from "lib/math/rng.ts";

/** A name that is markup where it is not escaped. */
export const HOSTILE = `<img src=x onerror="alert('1')">&amp;<script>alert(1)</script>.png`;

type Point = readonly [x: number, y: number];
/** Digits as strokes in a square of 1 × 1. */
const STROKES: readonly (readonly Point[])[] = [
  [[.5, .15], [.7, .3], [.7, .7], [.5, .85], [.3, .7], [.3, .3], [.5, .15]],
  [[.4, .25], [.55, .15], [.5, .85]],
  [[.3, .3], [.5, .15], [.7, .3], [.3, .82], [.72, .82]],
  [[.3, .2], [.65, .2], [.48, .45], [.68, .65], [.5, .85], [.3, .75]],
  [[.6, .85], [.6, .15], [.28, .6], [.75, .6]],
  [[.68, .17], [.36, .17], [.33, .45], [.65, .5], [.62, .8], [.3, .82]],
  [[.62, .15], [.35, .5], [.35, .78], [.6, .82], [.65, .58], [.36, .55]],
  [[.28, .2], [.7, .2], [.45, .85]],
  [[.5, .48], [.33, .3], [.5, .15], [.67, .3], [.33, .7], [.5, .86], [.67, .7], [.5, .48]],
  [[.66, .35], [.45, .5], [.34, .3], [.5, .15], [.66, .3], [.6, .85]],
];

function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const at = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - at * dx, y - ay - at * dy);
}

/** A grey digit [28, 28, 1]. */
export function digit(of: number): Uint8Array {
  const stroke = STROKES[of % 10];
  return Uint8Array.from({ length: 784 }, (_, i) => {
    const at: Point = [(i % 28 + .5) / 28, (Math.floor(i / 28) + .5) / 28];
    const near = Math.min(...stroke.slice(1).map((end, k) => distance(at, stroke[k], end)));
    return Math.round(255 * Math.min(1, Math.max(0, 1.8 - near * 28)));
  });
}

/** A colour scene [32, 32, 3]: ground, sky and something round. */
export function scene(of: number): Uint8Array {
  const rng = seededRng(of, "scene");
  const stream = rng.bytes(12 + 3072);
  let at = 0;
  const draw = () => stream[at++] / 255;
  const [cx, cy, r] = [8 + 16 * draw(), 8 + 16 * draw(), 4 + 6 * draw()];
  const [sky, ground, thing] = [0, 1, 2].map(() => [0, 1, 2].map(() => 255 * draw()));
  return Uint8Array.from({ length: 3072 }, (_, i) => {
    const c = i % 3, x = Math.floor(i / 3) % 32, y = Math.floor(i / 96);
    const round = Math.hypot(x - cx, y - cy) < r;
    const base = round ? thing[c] : y < 18 ? sky[c] : ground[c];
    return Math.min(255, Math.max(0, base + 30 * (draw() - .5) + (y - 16)));
  });
}

/** A picture with noise of so many grey levels. */
export function noisy(pixels: Uint8Array, levels: number, seed: string): Uint8Array {
  const noise = seededRng(0, seed).bytes(pixels.length);
  return pixels.map((value, i) =>
    Math.min(255, Math.max(0, value + levels * (noise[i] / 127.5 - 1)))
  );
}

const cost = {
  accuracy: { now: 0.9714, then: 0.9568 },
  seconds: { now: 10.9, then: 8.4 },
  bytes: { now: 24_640, then: 17_413 },
  note: "Accuracy after 5 epochs on the samples given, one training each.",
};

/** The width that stops a linear program. */
export const widthChange: Change = {
  kind: "width",
  what: "keep the first layer at 212 units or fewer",
  trials: [
    { setting: "300 units", leakage: 1, stops: false },
    { setting: "150 units", leakage: 0, stops: true },
    { setting: "225 units", leakage: 0.3, stops: false },
    { setting: "212 units", leakage: 0, stops: true },
  ],
  cost,
  note: "No sample of ten is recovered at this width; likenesses remain below it.",
};

/** An attack, by default one that recovers all of ten. */
export function finding(parts: Partial<AttackFinding> = {}): AttackFinding {
  return {
    name: "tv-sum",
    title: "Linear program, TV + ½·Σx",
    outcome: "recovered",
    sentence: "All ten images follow from W1 and z1 = W1·x, exactly.",
    assumption: "The server knows W1, as CryptoNN's server does, and that pixels lie in 0 to 255.",
    numbers: { SSIM: 1, "PSNR, dB": 216.4, "chance of a wrong image": "under 2^-1532" },
    counts: { attacked: 10, exact: 10, certified: 10 },
    pairs: [],
    seconds: 14.2,
    change: widthChange,
    changeNote: "",
    ...parts,
  };
}

/** An audit, by default of a CryptoNN server from which nothing was got. */
export function audit(parts: Partial<Audit> = {}): Audit {
  return {
    schema: SCHEMA,
    scheme: "cryptonn",
    shape: [28, 28, 1],
    kind: "image",
    verdict: {
      leaks: false,
      decided: true,
      sentence: "Nothing beyond the labels found.",
      advice: "",
      attack: null,
    },
    subject: [
      ["model", "models/mlp.safetensors, tensor fc1.weight [300, 784], float32"],
      ["images", "photos/, 10 files"],
    ],
    threat: [
      { quantity: "W1, the first layer", value: "300 × 784, in clear", attackerHas: true },
      { quantity: "z1 = W1·x of each sample", value: "300 numbers, decrypted", attackerHas: true },
      { quantity: "labels", value: "in clear", attackerHas: true },
      { quantity: "x, the samples", value: "encrypted, 784 bytes each", attackerHas: false },
      { quantity: "the master key", value: "with the authority", attackerHas: false },
    ],
    attacks: [],
    notTried: [
      { attack: "gradient", why: "no training was given: dW1 is not known" },
      { attack: "decoder", why: "asks for public images of the same kind: --public-from" },
    ],
    notes: ["W1 was rounded to multiples of 2^-13, as the scheme takes it."],
    seconds: { given: 60, taken: 24.3 },
    insecureSeed: 1,
    machine: { cores: 2, os: "linux", arch: "x86_64", products: "WebAssembly" },
    versions: { workspace: "0.14.0", deno: "2.9.6" },
    ...parts,
  };
}

/** Ten digits, all recovered and certified; two attacks that get less. */
export function digitsAudit(): Audit {
  const digits = Array.from({ length: 10 }, (_, i) => digit(i));
  const pairs = (level: number | null, caption: (i: number) => string): Pair[] =>
    digits.map((truth, i) => ({
      name: `photo-${i}.png`,
      truth,
      recovered: level === null ? null : noisy(truth, level, `pair ${i}`),
      caption: caption(i),
    }));
  return audit({
    verdict: {
      leaks: true,
      decided: true,
      sentence:
        "Every one of the 10 private images is recovered exactly, certified without the truth, by " +
        "linear program, TV + ½·Σx.",
      advice:
        "What stopped all that was found: train under mitig3 with σ 0.7 (test accuracy 97.1 → 95.7 %).",
      attack: "tv-sum",
    },
    attacks: [
      finding({ pairs: pairs(0, () => "certified") }),
      finding({
        name: "sum",
        title: "Linear program, Σx",
        outcome: "likeness",
        sentence: "No image exactly; on average SSIM 0.55, where the class means give 0.30.",
        numbers: { SSIM: 0.553, "SSIM of class means": 0.301, "PSNR, dB": 14.31 },
        counts: { attacked: 10, exact: 0, certified: 0 },
        pairs: pairs(90, (i) => `SSIM 0.5${i}`),
        seconds: 3.2,
        change: {
          ...widthChange,
          cost: { accuracy: null, seconds: null, bytes: null, note: "The samples have no labels." },
        },
      }),
      finding({
        name: "published",
        title: "The published linear program",
        outcome: "nothing",
        sentence: "SSIM 0.02: noise.",
        numbers: { SSIM: 0.021 },
        counts: { attacked: 10, exact: 0, certified: 0 },
        pairs: pairs(255, () => "SSIM 0.02"),
        seconds: 2.9,
        change: null,
        changeNote: "Nothing to stop.",
      }),
      finding({
        name: "gaussian",
        title: "Gaussian prior, closed form",
        outcome: "failed",
        sentence: "Nothing: the covariance asks for more public images than the 12 given.",
        numbers: {},
        counts: { attacked: 10, exact: 0, certified: 0 },
        pairs: pairs(null, () => ""),
        seconds: 0.01,
        change: null,
        changeNote: "Not looked for: the attack failed.",
      }),
    ],
    insecureSeed: 7,
  });
}

/** Colour under twelve attacks, with long and hostile names of files. */
export function colourAudit(): Audit {
  const outcomes: Outcome[] = [
    "recovered",
    "likeness",
    "nothing",
    "unmeasured",
    "failed",
    "out of time",
  ];
  const long = "holiday_in_the_mountains_with_everybody_2024-08-17_".repeat(4);
  const names = [
    `${long}.jpeg`,
    HOSTILE,
    "ordner mit leerzeichen/größe ✓.webp",
    "\u202egnp.exe",
    "x.png",
  ];
  const images = Array.from({ length: 12 }, (_, i) => scene(i));
  const attacks = Array.from({ length: 12 }, (_, k) => {
    const outcome = outcomes[Math.floor(k / 2)];
    const measured = outcome !== "unmeasured";
    const pairs = images.map((truth, i): Pair => ({
      name: names[i % names.length],
      truth: measured ? truth : null,
      recovered: outcome === "failed" ? null : noisy(truth, 12 * k, `colour ${k} ${i}`),
      caption: outcome === "recovered" ? "certified" : measured ? "SSIM 0.41" : "no truth",
    }));
    return finding({
      name: `attack-${"abcdefghijkl"[k]}`,
      title: `${["Linear program, TV + ½·Σx", "Blind alignment", "Decoder"][k % 3]}, variant ${
        k + 1
      }`,
      outcome,
      sentence: `${k === 0 ? "All" : "Some"} of the images, from ${long.slice(0, 120)}`,
      numbers: {
        SSIM: 1 - k / 13,
        "mean squared error": 10 ** (k - 9),
        "a name that is long": long.slice(0, 60),
      },
      counts: {
        attacked: 1200,
        exact: measured ? 1200 - 109 * k : null,
        certified: k === 0 ? 1200 : 0,
      },
      pairs,
      seconds: 10 ** (k / 3 - 1),
      change: k % 2 === 0
        ? { ...widthChange, kind: "scheme", what: "use mitig3 with σ 0.7 in place of MITIG2" }
        : null,
      changeNote: k % 2 === 0
        ? ""
        : "Not found: none of the widths, visits and noise levels tried stops it within the budget.",
    });
  });
  return audit({
    scheme: "mitig2",
    threat: [
      {
        quantity: "z1, with a name that breaks nowhere",
        value: "z1".repeat(40),
        attackerHas: true,
      },
    ],
    shape: [32, 32, 3],
    verdict: {
      leaks: true,
      decided: true,
      sentence:
        "Of 1 200 images, each is recovered exactly from what the server of MITIG2 holds after 5 epochs.",
      advice: "No change was found that stops decoder, blind alignment.",
      attack: attacks[0].name,
    },
    attacks,
    subject: [["model", `${HOSTILE}, tensor ${"conv1.weight.".repeat(12)}`], [
      "images",
      `${long}/, 1 200 files`,
    ]],
    seconds: { given: 600, taken: 612 },
  });
}

/** Rows of a table, and nothing found. */
export function tableAudit(): Audit {
  const columns = 30;
  const row = (i: number) => seededRng(i, "row").bytes(columns);
  return audit({
    scheme: "mitig3",
    shape: [1, columns, 1],
    kind: "table",
    verdict: {
      leaks: false,
      decided: true,
      sentence:
        "Nothing beyond the labels found. Tried: blind alignment. Not tried: gradient, decoder.",
      advice: "",
      attack: "align",
    },
    attacks: [
      finding({
        name: "align",
        title: "Blind alignment",
        outcome: "nothing",
        sentence:
          "No nearer than the mean row of each class: correlation 0.24, where the means give 0.30.",
        numbers: { correlation: 0.24, "correlation of class means": 0.3 },
        counts: { attacked: 12, exact: 0, certified: 0 },
        pairs: Array.from({ length: 12 }, (_, i) => ({
          name: `row ${17 + i}`,
          truth: row(i),
          recovered: row(100 + i),
          caption: "correlation 0.24",
        })),
        change: null,
        changeNote: "Nothing to stop.",
      }),
    ],
    subject: [["run", "record/mitig3.safetensors, 5 epochs of 569 rows"], [
      "table",
      "patients.csv, 30 columns",
    ]],
  });
}
