import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "node:path";
import { permitted, withFolder } from "../../tools/fixtures.ts";
import { agree, median } from "./contestant.ts";
import { measureRow, prepareRow, type Row, rowNames } from "./driver.ts";

const row: Row = { what: "a sum", variants: [], peers: [], tolerance: 0.01 };

/** A contestant that takes `ms` and finds what `result` makes of the turn's number and its arguments. */
const program = (label: string, result: string, ms = "1") =>
  `if (Deno.args[0] === "prepare") {
  await Deno.writeTextFile(Deno.args[1] + "/x", "12");
  console.log("a word before");
  console.log(JSON.stringify(${JSON.stringify(row)}));
  Deno.exit();
}
const x = Number(await Deno.readTextFile(Deno.args[0] + "/x"));
const off = Deno.env.get("FE_BLAS") === "off";
console.log("ready " + ${label});
let turn = 0;
for await (const _ of Deno.stdin.readable) {
  turn++;
  console.log("done", ${ms}, ${result});
}`;

const programs = {
  "sum.ts": program(
    `"ours" + (off ? "" : ", fast")`,
    `Deno.args[1] === "wrong" ? 13 : x`,
    "off ? 4 : 2",
  ),
  "good.ts": program(`"good 1.0 " + Deno.args[1]`, "x + 0.1", "turn"),
  "bad.ts": program(`"bad 1.0"`, "x + 1"),
  "unsteady.ts": program(`"unsteady 1.0"`, "turn"),
  "dies.ts": program(`"dies 1.0"`, `turn === 2 ? Deno.exit(9) : x`),
  "talks.ts": `console.log("hello");`,
  "absent.ts": `console.error("first"); console.error("absent: install it"); Deno.exit(3);`,
  "absent.py": `import sys\nsys.exit(3)`,
  "slow.ts": program(`Deno.pid`, "await new Promise((done) => setTimeout(done, 60_000))"),
};

function driverTest(name: string, body: (folder: string) => Promise<void>): void {
  const fn = () =>
    withFolder(async (folder) => {
      for (const [file, text] of Object.entries(programs)) {
        await Deno.writeTextFile(join(folder, file), text);
      }
      const before = Deno.env.get("FE_BLAS"); // contestants inherit it
      Deno.env.delete("FE_BLAS");
      try {
        await body(folder);
      } finally {
        if (before !== undefined) Deno.env.set("FE_BLAS", before);
      }
    });
  Deno.test({ name, ignore: !permitted, fn });
}

Deno.test("agree() takes equal texts, and numbers within the tolerance", () => {
  assertEquals([agree("0af1", "0af1", 0), agree("0af1", "0af2", 0)], [true, false]);
  assertEquals([agree("100", "100.9", 0.01), agree("100", "101.1", 0.01)], [true, false]);
  assertEquals([agree("0", "0.009", 0.01), agree("0", "0.02", 0.01)], [true, false]);
  assertEquals(agree("nan", "nan?", 1), false);
});

Deno.test("median() is the middle one, or between the two", () => {
  assertEquals([median([9, 1, 3]), median([4, 1, 9, 2]), median([7])], [3, 3, 7]);
});

driverTest(
  "prepareRow() reads what the row says, and refuses a program that is none",
  async (folder) => {
    const options = { folder, builds: folder, rounds: 5 };
    assertEquals(await prepareRow("sum", folder, options), row);
    const error = await assertRejects(() => prepareRow("talks", folder, options), Error);
    assertStringIncludes(error.message, `talks.ts prepare said "hello"`);
    assertEquals(rowNames(folder), ["bad", "dies", "good", "slow", "sum", "unsteady"]);
    assertThrows(() => rowNames(join(folder, "none")), Deno.errors.NotFound);
  },
);

driverTest("measureRow() lets everyone take turns, and keeps times and results", async (folder) => {
  await Deno.writeTextFile(join(folder, "x"), "12");
  const options = { folder, builds: folder, rounds: 5 };
  const full = {
    ...row,
    variants: ["one", "two"],
    peers: ["good.ts kindly", "absent.ts", "absent.py"],
  };
  const { what, contestants, skipped, problems } = await measureRow("sum", full, folder, options);
  assertEquals([what, problems], ["a sum", []]);
  assertEquals(
    contestants.map(({ role, name, label, medianMs, result }) =>
      [role, name, label, medianMs, result].join("; ")
    ),
    [
      "peer; good.ts kindly; good 1.0 kindly; 3; 12.1",
      "ours without BLAS; one; ours; 4; 12",
      "ours; one; ours, fast; 2; 12",
      "ours without BLAS; two; ours; 4; 12",
      "ours; two; ours, fast; 2; 12",
    ],
  );
  assertEquals(contestants[0].timesMs, [1, 2, 3, 4, 5]);
  assertEquals(skipped[0], "absent.ts: absent: install it");
  assertStringIncludes(skipped[1], "absent.py: ");
  if (Deno.build.os === "linux") assert(contestants.every(({ peakMB }) => peakMB! > 10));
});

driverTest(
  "measureRow() names who dies, talks, or finds something else, and goes on",
  async (folder) => {
    await Deno.writeTextFile(join(folder, "x"), "12");
    const options = { folder, builds: folder, rounds: 3 };
    const peers = ["bad.ts", "dies.ts", "talks.ts", "unsteady.ts", "none.ts"];
    const faulty = { ...row, variants: ["wrong", "right"], peers, blas: false } as const;
    const { contestants, problems } = await measureRow("sum", faulty, folder, options);
    assertEquals(contestants.map(({ role, name }) => [role, name]), [
      ["peer", "bad.ts"],
      ["ours without BLAS", "wrong"],
      ["ours without BLAS", "right"],
    ]);
    assertEquals(problems.slice(0, 1), [`talks.ts said "hello", expected "ready LABEL"`]);
    assertStringIncludes(problems[1], "none.ts ended (status 1)");
    assertStringIncludes(problems[2], "dies.ts ended (status 9)");
    assertEquals(problems[3], "unsteady.ts found 1 first and then 2");
    assertEquals(problems.slice(4), ["right found 12, bad.ts 13"]);
  },
);

driverTest("measureRow() leaves a crate out where cargo is not there", async (folder) => {
  await Deno.writeTextFile(join(folder, "x"), "12");
  await Deno.mkdir(join(folder, "crate"));
  const path = Deno.env.get("PATH")!;
  Deno.env.set("PATH", join(folder, "crate"));
  try {
    const options = { folder, builds: folder, rounds: 1 };
    const { skipped, problems, contestants } = await measureRow(
      "sum",
      { ...row, peers: ["crate/ kept"], blas: false },
      folder,
      options,
    );
    assertEquals([skipped, problems], [["crate/ kept: cargo is not here"], []]);
    assertEquals(contestants.length, 1);
  } finally {
    Deno.env.set("PATH", path);
  }
});

driverTest("measureRow() leaves no process behind when it is stopped", async (folder) => {
  await Deno.writeTextFile(join(folder, "x"), "12");
  const stop = new AbortController();
  const pids: number[] = [];
  const onProgress = (line: string) => {
    pids.push(Number(line.split(" ").at(-1)));
    if (pids.length === 3) setTimeout(() => stop.abort(), 100);
  };
  const options = { folder, builds: folder, rounds: 1, signal: stop.signal, onProgress };
  const slow = { ...row, peers: ["slow.ts"] };
  await assertRejects(() => measureRow("slow", slow, folder, options), DOMException);
  assertEquals(pids.length, 3);
  for (const pid of pids) assertThrows(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
});
