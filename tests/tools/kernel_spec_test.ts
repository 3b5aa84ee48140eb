import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { jupyterData, liesInCache, registerKernel } from "lib/tools/kernel_spec.ts";
import { ROOT } from "lib/tools/workspace.ts";
import { ended, permitted, withFolder } from "./fixtures.ts";

Deno.test("jupyterData() is where Jupyter looks on each system", () => {
  const home = { HOME: "/home/a", USERPROFILE: "/home/a" };
  assertEquals(jupyterData(home, "linux"), "/home/a/.local/share/jupyter");
  assertEquals(jupyterData({ ...home, XDG_DATA_HOME: "/data" }, "linux"), "/data/jupyter");
  assertEquals(jupyterData(home, "darwin"), "/home/a/Library/Jupyter");
  assertEquals(jupyterData({ ...home, APPDATA: "/roaming" }, "windows"), "/roaming/jupyter");
  assertEquals(jupyterData(home, "windows"), "/home/a/AppData/Roaming/jupyter");
  assertEquals(jupyterData({ ...home, JUPYTER_DATA_DIR: "/own" }, "windows"), "/own");
  for (const [os, name] of [["linux", "HOME"], ["darwin", "HOME"], ["windows", "USERPROFILE"]]) {
    for (const env of [{}, { [name]: "" }]) {
      assertThrows(() => jupyterData(env, os), Error, `neither ${name} nor JUPYTER_DATA_DIR`);
    }
  }
});

Deno.test("liesInCache() tells what may be cleaned from what is installed", () => {
  const may = [
    "/home/a/.npm/_npx/0123/node_modules/deno/deno",
    "C:\\Users\\a\\AppData\\Local\\npm-cache\\_npx\\0123\\node_modules\\deno\\deno.exe",
    "/home/a/.cache/pnpm/dlx/0123/node_modules/deno/deno",
    "/Users/a/Library/Caches/pnpm/dlx-1/node_modules/deno/deno",
    "/tmp/bunx-0-deno@2.9.6/node_modules/deno/deno",
    "C:\\Users\\a\\AppData\\Local\\Temp\\deno.exe",
  ];
  const lasts = [
    "/usr/bin/deno",
    "/home/a/.deno/bin/deno",
    "/usr/local/lib/node_modules/deno/deno",
    "/opt/homebrew/Cellar/deno/2.9.6/bin/deno",
    "C:\\Users\\a\\.deno\\bin\\deno.exe",
    "/home/temperance/bin/deno",
  ];
  assertEquals(may.filter((path) => !liesInCache(path)), []);
  assertEquals(lasts.filter(liesInCache), []);
});

Deno.test({
  name: "registerKernel() names a Deno that lasts, and copies one that lies in a cache, once",
  ignore: !permitted,
  fn: () =>
    withFolder(async (directory) => {
      const cached = join(directory, ".cache", "deno");
      await Deno.mkdir(join(directory, ".cache"));
      await Deno.writeTextFile(cached, "the program", { mode: 0o755 });
      const data = join(directory, "data");
      const argv = async () =>
        JSON.parse(await Deno.readTextFile(join(data, "kernels/deno/kernel.json"))).argv;

      const lasting = await registerKernel(data, { deno: "/usr/bin/deno" });
      assertEquals([lasting.copied, await argv()], [false, [
        ...["/usr/bin/deno", "jupyter", "--kernel", "--conn", "{connection_file}"],
      ]]);

      await Deno.writeTextFile(join(lasting.directory, "deno-1.0.0"), "an older copy");
      const { deno, copied } = await registerKernel(data, { deno: cached });
      assertEquals([copied, (await argv())[0]], [true, deno]);
      assertEquals(await Deno.readTextFile(deno), "the program");
      if (Deno.build.os !== "windows") assert((await Deno.stat(deno)).mode! & 0o100);
      const names = () => [...Deno.readDirSync(lasting.directory)].map(({ name }) => name).sort();
      assertEquals(names(), [`deno-${Deno.version.deno}`, "kernel.json"]);
      const { ino } = await Deno.stat(deno);
      await registerKernel(data, { deno: cached });
      assertEquals((await Deno.stat(deno)).ino, ino);
      await Deno.remove(cached); // the cache is cleaned: what was written stands
      assertEquals(await Deno.readTextFile(deno), "the program");
    }),
});

Deno.test({
  name: "deno task kernel says what it wrote",
  ignore: !permitted,
  fn: () =>
    withFolder(async (data) => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["task", "kernel"],
        cwd: ROOT,
        env: { JUPYTER_DATA_DIR: data, NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const { code, stdout, stderr } = await ended(child);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, `wrote ${join(data, "kernels", "deno", "kernel.json")}`);
      assertStringIncludes(stdout, `version ${Deno.version.deno}`);
    }),
});
