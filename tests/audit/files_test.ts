import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { auditFiles, auditReport, writeAudit } from "lib/audit/files.ts";
import { DataError } from "lib/data/dataset.ts";
import { decodePng } from "../plot/png_decode.ts";
import { audit, colourAudit, digitsAudit, finding, tableAudit } from "./fixtures.ts";
import { fieldsOf, schemaProblems } from "./schema.ts";

const granted = async (name: "read" | "write" | "run") =>
  (await Deno.permissions.query({ name })).state === "granted";
const mayRead = await granted("read"), mayWrite = mayRead && await granted("write");

const colour = colourAudit();
const AUDITS = [
  digitsAudit(),
  { ...colour, attacks: colour.attacks.filter(({ outcome }) => outcome === "unmeasured") },
  tableAudit(),
];

Deno.test({
  name: "auditReport() is what the README says, field by field, and the README says no more",
  ignore: !mayRead,
  async fn() {
    const readme = new URL("../../lib/audit/README.md", import.meta.url);
    const fields = fieldsOf(await Deno.readTextFile(readme));
    const seen = new Set<string>();
    for (const audited of AUDITS) {
      const json = JSON.parse(JSON.stringify(auditReport(audited)));
      assertEquals(schemaProblems(json, fields, seen), []);
      const more = { ...json, extra: 1, kind: "sound", verdict: { leaks: "yes", sentence: "" } };
      assertEquals(schemaProblems(more, fields, new Set()), [
        'kind is "sound", not one of image,table',
        "verdict.decided is missing",
        "verdict.advice is missing",
        "verdict.attack is missing",
        "verdict.leaks is string, not boolean",
        "extra is not documented",
      ]);
    }
    assertEquals([...fields.keys()].filter((path) => !seen.has(path)), []);
  },
});

Deno.test("auditFiles() has the page, the JSON, and each picture that the JSON names", () => {
  for (const audited of AUDITS) {
    const files = auditFiles(audited);
    const named = auditReport(audited).attacks.flatMap(({ picture, pairs }) =>
      picture === null ? [] : [picture, ...pairs.map((pair) => pair.picture)]
    );
    const json = JSON.parse(files["report.json"] as string);
    assertEquals(json, JSON.parse(JSON.stringify(auditReport(audited))));
    assertEquals(Object.keys(files).sort(), ["report.html", "report.json", ...named].sort());
  }
});

Deno.test("auditFiles() draws original | recovered, enlarged, and all pairs in a grid", () => {
  const files = auditFiles(digitsAudit());
  const pair = decodePng(files["pictures/tv-sum-4.png"] as Uint8Array);
  assertEquals([pair.width, pair.height], [4 * 57, 4 * 28]);
  const truth = digitsAudit().attacks[0].pairs[3].truth!;
  const at = 14 * 28 + 14, row = 4 * 14 * pair.width;
  assertEquals([pair.pixels[row + 4 * 14], pair.pixels[row + 4 * (29 + 14)]], [
    truth[at],
    truth[at],
  ]);
  const grid = decodePng(files["pictures/tv-sum.png"] as Uint8Array);
  assertEquals([grid.width, grid.height], [4 * (5 * 61 - 4), 4 * (2 * 32 - 4)]);
  const rows = decodePng(auditFiles(tableAudit())["pictures/align-1.png"] as Uint8Array);
  assertEquals([rows.width, rows.height], [4 * 30, 4 * 65]);
});

Deno.test("auditFiles() gives attacks of one name, and of names that are no file's, files of their own", () => {
  const pairs = digitsAudit().attacks[0].pairs.slice(0, 1);
  const names = ["align", "Align", "../../etc/passwd", "decoder 1", "decoder", "…"];
  const files = auditFiles(audit({ attacks: names.map((name) => finding({ name, pairs })) }));
  assertEquals(Object.keys(files).filter((path) => path.endsWith("-1.png")), [
    ...["pictures/align-1.png", "pictures/align-again-1.png", "pictures/etc-passwd-1.png"],
    ...["pictures/decoder-1-attack-1.png", "pictures/decoder-1.png", "pictures/-attack-1.png"],
  ]);
});

/** A folder that is gone again after use. */
async function inFolder(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function list(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name)).sort();
}

Deno.test({
  name: "writeAudit() replaces an earlier report with its pictures, and leaves other files",
  ignore: !mayWrite,
  fn: () =>
    inFolder(async (directory) => {
      const out = `${directory}/a/report`;
      await writeAudit(out, digitsAudit());
      await Deno.writeTextFile(`${out}/pictures/holiday.png`, "mine");
      await writeAudit(out, tableAudit());
      assertEquals(await list(out), ["pictures", "report.html", "report.json"]);
      const pictures = await list(`${out}/pictures`);
      assertEquals(pictures.length, 14);
      assert(pictures.every((name) => name === "holiday.png" || name.startsWith("align")));
      assertStringIncludes(await Deno.readTextFile(`${out}/report.html`), "Blind alignment");
    }),
});

Deno.test({
  name: "writeAudit() refuses in one line what is no folder, and changes nothing",
  ignore: !mayWrite,
  fn: () =>
    inFolder(async (directory) => {
      const refused = (path: string, why: string) =>
        assertRejects(
          () => writeAudit(path, tableAudit()),
          DataError,
          `Cannot write the report to ${path}: ${why}`,
        );
      const way = "; choose another folder with --out";
      await Deno.writeTextFile(`${directory}/file`, "mine");
      await refused(`${directory}/file`, `it is a file${way}`);
      await refused(`${directory}/file/below`, `Not a directory (os error 20)${way}`);
      await Deno.mkdir(`${directory}/out/report.html`, { recursive: true });
      await refused(`${directory}/out`, `report.html in it is a folder${way}`);
      await Deno.mkdir(`${directory}/other`);
      await Deno.writeTextFile(`${directory}/other/pictures`, "mine");
      await refused(`${directory}/other`, `pictures in it is a file${way}`);
      assertEquals(await list(directory), ["file", "other", "out"]);
      assertEquals(await list(`${directory}/out`), ["report.html"]);
      assertEquals(await Deno.readTextFile(`${directory}/other/pictures`), "mine");
    }),
});

Deno.test({
  name:
    "writeAudit() on a full disk says so in one line, keeps the old report and leaves no folder",
  // A limit on the size of files stands for the full disk.
  ignore: !mayWrite || Deno.build.os === "windows" || !await granted("run"),
  fn: () =>
    inFolder(async (directory) => {
      const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
      await writeAudit(`${directory}/old`, tableAudit());
      const page = await Deno.readTextFile(`${directory}/old/report.html`);
      const script = `import { writeAudit } from ${at("../../lib/audit/files.ts")};
import { digitsAudit } from ${at("./fixtures.ts")};
for (const path of ["old", "new/deep"]) {
  await writeAudit(${
        JSON.stringify(directory)
      } + "/" + path, digitsAudit()).catch((e) => console.log(e.message));
}`;
      await Deno.writeTextFile(`${directory}/script.ts`, script);
      const config = new URL("../../deno.json", import.meta.url).pathname;
      const run = `trap '' XFSZ; ulimit -f 40; exec "$@"`;
      const args = [
        "-c",
        run,
        "sh",
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        "--config",
        config,
      ];
      const { stdout } = await new Deno.Command("sh", {
        args: [...args, `${directory}/script.ts`],
        stderr: "null",
      })
        .output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      assertEquals(lines.length, 2, lines.join("\n"));
      for (const line of lines) {
        assertStringIncludes(line, "File too large (os error 27); choose another folder");
      }
      assertEquals(await list(directory), ["old", "script.ts"]);
      assertEquals(await Deno.readTextFile(`${directory}/old/report.html`), page);
      assertEquals((await list(`${directory}/old/pictures`)).length, 13);
    }),
});
