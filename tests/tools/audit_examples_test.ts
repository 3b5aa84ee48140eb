import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const root = new URL("../../", import.meta.url);
const permitted = (await Promise.all(
  (["read", "write", "run"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

/** README's three commands as they stand there, but for where the report goes. */
async function commands(): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  return readme.split("\n").filter((line) =>
    line.startsWith("deno task audit --weights") && line.includes("example")
  );
}

Deno.test({
  name:
    "README's three audits say that each image is recovered, and leave a page, JSON and pictures",
  ignore: !permitted,
  async fn() {
    const lines = await commands();
    assertEquals(lines.length, 3);
    for (const line of lines) {
      const out = await Deno.makeTempDir();
      try {
        const command = line.replace("--out report", `--out ${out}/report`)
          .replaceAll(/\bdeno (?=task|run)/g, `"${Deno.execPath()}" `);
        const { code, stdout, stderr } = await new Deno.Command("sh", {
          args: ["-c", command],
          cwd: root,
        }).output();
        const [said, told] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
        assertEquals(code, 1, told);
        assertStringIncludes(said, "Every one of the 10 private images is recovered exactly");
        const page = await Deno.readTextFile(`${out}/report/report.html`);
        assertStringIncludes(page, "Every one of the 10 private images");
        const json = JSON.parse(await Deno.readTextFile(`${out}/report/report.json`));
        assertEquals([json.schema, json.verdict.leaks], ["fe-leakage-audit/1", true]);
        for (const { picture } of json.attacks) {
          if (picture !== null) assert((await Deno.stat(`${out}/report/${picture}`)).size > 100);
        }
      } finally {
        await Deno.remove(out, { recursive: true });
      }
    }
  },
});
