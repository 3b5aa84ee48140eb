import { assert, assertEquals, assertRejects } from "@std/assert";
import { headlineOf, type Measured, schemeAxes } from "lib/study/scheme_axes.ts";
import { wilson } from "lib/sweep/summary.ts";
import { permitted } from "../tools/fixtures.ts";

Deno.test({
  name: "schemeAxes() has nine rows; headlineOf() names a number that is not there",
  ignore: !permitted,
  async fn() {
    const rate = wilson(97, 100);
    const attack = { total: 455, patients: 455 };
    const slant = { fromScores: rate, fromClass: rate };
    const measured = {
      trained: { stepSeconds: 0.3, bytesAPatient: 9000 },
      run: { accuracy: rate, steps: [] },
      ...{ attack, residuals: attack, ridge: { accuracy: rate } },
      ...{
        ofAll: { total: 7, patients: 455 },
        folds: { all: { sgd: rate, ridge: wilson(95, 100) } },
      },
      gram: { seconds: 50, samples: { count: 455 }, bytes: { ciphertext: 1e6 } },
      he: {
        run: () => ({ stepSeconds: 0.2, steps: 30 }),
        bytes: () => ({ up: 1e6, down: 1e5 }),
        right: () => ({ encrypted: 111, of: 114 }),
      },
      ...{ dark: { accuracy: rate }, told: { of: () => slant } },
      digits: { serverSeconds: 1.3, bytes: { digit: 226_000 } },
    } as unknown as Measured;
    const { rows, columns } = await schemeAxes(measured);
    assertEquals([rows.length, columns.length], [9, 9]);
    const gram = rows.find(([scheme]) => scheme === "QFE, Gram once")!;
    assertEquals([gram[2], gram[7]], ["97.0 %; five folds 95.0 %", "7 of 455 patients, exactly"]);
    assert(rows.every((row) => !row.some((cell) => String(cell).match(/NaN|undefined/))));
    await assertRejects(() => headlineOf("03_mitig2", "no such"), Error, 'Cannot find "no such"');
  },
});

Deno.test({
  name: "headlineOf() is a dash where the notebook has not been run here",
  ignore: (await Deno.permissions.query({ name: "read" })).state !== "granted",
  fn: async () => assertEquals(await headlineOf("01_leakage", "x", "no/such/folder"), "–"),
});
