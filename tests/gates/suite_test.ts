import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import type { Contestant } from "../bench/peers/contestant.ts";
import { parseBenches } from "./bench.ts";
import { peersText } from "./peers.ts";
import { countTests, summaryLine } from "./suite.ts";
import { ROOT } from "lib/tools/workspace.ts";
import { permitted, withFolder } from "../tools/fixtures.ts";

Deno.test("countTests() counts tests by outcome and not their steps", () => {
  const junit = `<testsuites><testsuite name="a" tests="4">
    <testcase name="a"></testcase>
    <testcase name="b"><skipped/></testcase>
    <testcase name="c"><failure message="1 test step failed">x</failure></testcase>
    <testcase name="c &gt; step"><failure message="no">x</failure></testcase>
    </testsuite><testsuite name="b" tests="1"><testcase name="c &gt; step"></testcase></testsuite>`;
  assertEquals(countTests(junit), { passed: 2, failed: 1, skipped: 1 });
  assertEquals(countTests(""), { passed: 0, failed: 0, skipped: 0 });
});

Deno.test("summaryLine() has the one form, and counts a failure outside of any test", () => {
  assertEquals(summaryLine({ passed: 3, failed: 0, skipped: 0 }, true), "3 passed, 0 failed");
  const skipping = { passed: 3, failed: 0, skipped: 2 };
  assertEquals(summaryLine(skipping, false), "3 passed, 1 failed, 2 skipped");
});

Deno.test({
  name: "deno task test fails on a failing test, a file that does not load, and on no test at all",
  ignore: !permitted,
  fn: () =>
    withFolder(async (directory) => {
      const run = async (code: string, ...flags: string[]) => {
        const file = join(directory, "sample_test.ts");
        await Deno.writeTextFile(file, code);
        const { code: status, stdout } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "--allow-all", join(ROOT, "tests/gates/suite.ts"), ...flags, file],
        }).output();
        return [status, new TextDecoder().decode(stdout).trim().split("\n").at(-1)];
      };
      const good = `Deno.test("good", () => {});`;
      const bad = `Deno.test("bad", () => { throw new Error("meant by the test"); });`;
      assertEquals(await run(good), [0, "1 passed, 0 failed"]);
      assertEquals(await run(good + bad), [1, "1 passed, 1 failed"]);
      assertEquals(await run("("), [1, "0 passed, 1 failed"]);
      assertEquals(await run(good, "--filter", "nothing"), [1, "0 passed, 0 failed, 1 skipped"]);
    }),
});

Deno.test("parseBenches() reads the report behind what benches print, and refuses a failed bench", () => {
  const report = (result: unknown) =>
    `{a bench talks}\n${
      JSON.stringify(
        {
          benches: [{
            origin: "file:///w/tests/bench/a_bench.ts",
            group: "encrypt",
            name: "n = 784",
            baseline: true,
            results: [result],
          }],
        },
        null,
        2,
      )
    }`;
  const ok = { ok: { n: 10, min: 1e6, avg: 2e6, p75: 3e6 } };
  assertEquals(parseBenches(report(ok), "/w"), [{
    file: "tests/bench/a_bench.ts",
    group: "encrypt",
    name: "n = 784",
    baseline: true,
    avgMs: 2,
    minMs: 1,
    p75Ms: 3,
    iterations: 10,
  }]);
  assertThrows(() => parseBenches(report({ failed: {} })), Error, 'the bench "n = 784" failed');
  assertThrows(() => parseBenches("no benches"), Error, "no report");
});

Deno.test("peersText() sets each variant against each peer, and says where and with what", () => {
  const one = (role: Contestant["role"], name: string, label: string, medianMs: number) => ({
    ...{ role, name, label, medianMs, timesMs: [medianMs], result: "1", peakMB: 200 },
  });
  const row = (what: string, contestants: Contestant[]) => ({
    ...{ what, contestants, skipped: [], problems: [], machine: "a machine", rounds: 5 },
  });
  const text = peersText([
    row("epoch", [
      one("peer", "epoch.py", "NumPy 2.1", 100),
      one("ours", "two Workers", "OpenBLAS", 120),
      one("ours without BLAS", "two Workers", "WebAssembly", 250),
    ]),
    {
      ...row("alone", [one("ours without BLAS", "alone.ts", "ours", 5)]),
      skipped: ["b/: no cargo"],
    },
  ]);
  assertStringIncludes(text, "a machine; medians of 5 rounds.\n");
  assertStringIncludes(
    text,
    "| epoch, two Workers | NumPy 2.1 | 100 ms | 120 ms | 1.2× | 250 ms | 2.5× | 200 MB |",
  );
  assertStringIncludes(text, "| alone | – | – | – | – | 5.00 ms | – | 200 MB |");
  assertStringIncludes(
    text,
    "With BLAS: OpenBLAS.\nWithout: WebAssembly; ours.\nNot run: b/: no cargo.",
  );
});
