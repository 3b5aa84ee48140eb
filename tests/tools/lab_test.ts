import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { join } from "node:path";
import { findChromium } from "../gates/chromium.ts";
import { liesInCache } from "lib/tools/kernel_spec.ts";
import { ensureVenv, PythonError, type VenvPlan, venvPython } from "lib/tools/lab.ts";
import { permitted, withFolder } from "./fixtures.ts";

/** Stands for Python: a version, an environment whose Python it is again, a pip that installs nothing and
 * fails on a requirement that says so. The real one is in `deno task test:lab`. */
const FAKE_PYTHON = `#!/bin/sh
case "$1 $2" in
  "-c "*) echo 3 12 ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") for last; do :; done; ! grep -q unreachable "$last" ;;
esac
`;

async function planIn(directory: string, requirements = "nothing\n"): Promise<VenvPlan> {
  const path = join(directory, "requirements.txt");
  const python = join(directory, "python-fake");
  await Deno.writeTextFile(path, requirements);
  await Deno.writeTextFile(python, FAKE_PYTHON, { mode: 0o755 });
  return {
    directory: join(directory, ".venv"),
    requirements: path,
    pythons: [python],
    onProgress: () => {},
  };
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
const ignore = !permitted || Deno.build.os === "windows";

Deno.test({
  name: "ensureVenv() makes the environment once, and again when it is half-made or out of date",
  ignore,
  fn: () =>
    withFolder(async (directory) => {
      let built = 0;
      const plan = { ...await planIn(directory), onProgress: () => built++ };
      assertEquals(await ensureVenv(plan), venvPython(plan.directory));
      const spec = join(plan.directory, "share/jupyter/kernels/deno/kernel.json");
      const deno = liesInCache(Deno.execPath())
        ? join(spec, "..", `deno-${Deno.version.deno}`)
        : Deno.execPath();
      assertEquals(JSON.parse(await Deno.readTextFile(spec)).argv[0], deno);
      const once = built;
      await ensureVenv(plan);
      assertEquals([once > 0, built], [true, once]);
      const leftover = join(plan.directory, "leftover");
      await Deno.writeTextFile(leftover, "");
      await Deno.remove(join(plan.directory, "requirements.txt"));
      await ensureVenv(plan);
      assertEquals([built, await exists(leftover)], [2 * once, false]);
      await Deno.writeTextFile(plan.requirements, "something else\n");
      await ensureVenv(plan);
      await Deno.remove(venvPython(plan.directory));
      await ensureVenv(plan);
      assertEquals(built, 4 * once);
    }),
});

Deno.test({
  name: "ensureVenv() says what is missing, and leaves nothing half made",
  ignore,
  fn: () =>
    withFolder(async (directory) => {
      const plan = await planIn(directory);
      const nowhere = { ...plan, pythons: ["no-such-python"] };
      const noPython = await assertRejects(() => ensureVenv(nowhere), PythonError);
      assertStringIncludes(noPython.message, "Python 3.10 or later: none found as no-such-python");
      const offline = await planIn(directory, "unreachable\n");
      const noPackage = await assertRejects(() => ensureVenv(offline), PythonError);
      assertStringIncludes(noPackage.message, "is the package index reachable?");
      assert(!await exists(plan.directory));
    }),
});

Deno.test({
  name: "ensureVenv() refuses a Python that is too old",
  ignore,
  fn: () =>
    withFolder(async (directory) => {
      const old = join(directory, "python-old");
      await Deno.writeTextFile(old, "#!/bin/sh\necho 3 9\n", { mode: 0o755 });
      const plan = { ...await planIn(directory), pythons: [old] };
      const error = await assertRejects(() => ensureVenv(plan), PythonError);
      assertStringIncludes(error.message, "python-old is 3.9");
    }),
});

Deno.test({
  name: "findChromium() takes CHROMIUM, then the PATH, and says when there is none",
  ignore: !permitted,
  fn: () =>
    withFolder(async (directory) => {
      const browser = join(directory, "chromium");
      await Deno.writeTextFile(browser, "");
      assertEquals(findChromium({ CHROMIUM: browser, PATH: "" }), browser);
      assertEquals(findChromium({ PATH: directory }), browser);
      assertThrows(() => findChromium({ CHROMIUM: browser + "x" }), Error, "names no file");
      if (Deno.build.os === "darwin") return; // Chrome may stand in its usual place there.
      assertThrows(() => findChromium({ PATH: "" }), Error, "needs Chromium");
    }),
});
