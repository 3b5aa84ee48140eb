import { assert, assertEquals } from "@std/assert";

const ignore = (await Deno.permissions.query({ name: "read" })).state !== "granted";
const folder = new URL("../../lib/attack/", import.meta.url);

/** The rooms of a client's secrets. An attack may import them nowhere. */
const SECRET = /\/(protocol|fe|data)\//;

Deno.test({
  name: "attack files import nothing of a client, and only metrics and scores name xTrue",
  ignore,
  async fn() {
    const offenders: string[] = [];
    let files = 0;
    for await (const { name } of Deno.readDir(folder)) {
      const source = await Deno.readTextFile(new URL(name, folder));
      const imports = [...source.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, path]) =>
        path
      );
      if (imports.some((path) => SECRET.test(path))) offenders.push(name);
      if (source.includes("xTrue") && !["metrics.ts", "score.ts"].includes(name)) {
        offenders.push(name);
      }
      files++;
    }
    assert(files >= 10);
    assertEquals(offenders, []);
  },
});
