import { assert, assertEquals } from "@std/assert";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const attack = new URL("../../lib/attack/", import.meta.url);

/** The rooms of a client's secrets. An attack may import them nowhere. */
const SECRET = /\/(protocol|fe|data)\//;

Deno.test({
  name: "attack files import nothing of a client, and only metrics name xTrue",
  ignore,
  async fn() {
    const offenders: string[] = [];
    let files = 0;
    for (const room of ["./", "solvers/", "training/", "linear/"]) {
      const folder = new URL(room, attack);
      for await (const { name, isFile } of Deno.readDir(folder)) {
        if (!isFile) continue;
        const source = await Deno.readTextFile(new URL(name, folder));
        const imports = [...source.matchAll(/(?:from|import\()\s*"([^"]+)"/g)];
        if (imports.some(([, path]) => SECRET.test(path))) offenders.push(name);
        if (source.includes("xTrue") && name !== "metrics.ts") offenders.push(name);
        files++;
      }
    }
    assert(files >= 10);
    assertEquals(offenders, []);
  },
});
