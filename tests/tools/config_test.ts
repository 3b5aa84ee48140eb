import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { parseConfig, readConfig } from "lib/tools/config.ts";
import { permitted, withFolder } from "./fixtures.ts";

const flags = {
  weights: { type: "path", placeholder: "FILE", help: "" },
  "images-from": { type: "paths", placeholder: "PATH…", help: "" },
  tensor: { type: "text", placeholder: "NAME", help: "" },
  scheme: { type: "choice", choices: ["cryptonn", "mitig2"], help: "" },
  seconds: { type: "integer", min: 1, max: 600, default: 60, help: "" },
  json: { type: "switch", help: "" },
} as const;
/** The reader of YAML looks at the environment when it begins. */
const test = (name: string, fn: () => void | Promise<void>) =>
  Deno.test({ name, ignore: !permitted, fn });

const FILE = "/home/ada/audit.yaml";
const utf8 = (text: string) => new TextEncoder().encode(text);
const parse = (text: string | Uint8Array) =>
  parseConfig(FILE, typeof text === "string" ? utf8(text) : text, flags);

test("parseConfig() gives typed values, paths relative to the file, and nothing that is absent", () => {
  const values = parse(`
# the model
weights: models/m.npy   # mine
images-from: [a, ../b]
scheme: mitig2
seconds: 5
json: true
`);
  assertEquals(values, {
    weights: "/home/ada/models/m.npy",
    "images-from": ["/home/ada/a", "/home/b"],
    ...{ scheme: "mitig2", seconds: 5, json: true },
  });
  const seconds: number | undefined = values.seconds;
  assertEquals(seconds, 5);
  assertEquals(parse("images-from: /x\r\ntensor: 'a b'\r\n"), {
    ...{ "images-from": ["/x"], tensor: "a b" },
  });
});

test("parseConfig() reads JSON, with tabs and a byte order mark too", () => {
  const expected = { seconds: 5, "images-from": ["/home/ada/x"] };
  assertEquals(parse('{"seconds": 5, "images-from": ["x"]}'), expected);
  assertEquals(parse('\ufeff{\n\t"seconds": 5,\n\t"images-from": ["x"]\n}\n'), expected);
});

test("parseConfig() refuses a file that is none, in one line that names it and the way out", () => {
  const bombs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
  const cases: [content: string | Uint8Array, message: string][] = [
    ["", "it is empty; deno task audit --example prints one"],
    [" \n", "it is empty"],
    ["# nothing yet\n", "it has comments only"],
    ["- weights\n- m.npy", "expected keys and values"],
    ["weights", "expected keys and values"],
    ["weights: a\nweights: b", "Map keys must be unique at line 2, column 1"],
    ['{"seconds": 1, "seconds": 2}', "Map keys must be unique"],
    ['{"seconds": 1', "at line 1"],
    ["weights: *m", "a value begins with * (an alias or a pattern): write the values out"],
    [bombs, "a value begins with *"],
    ["a: !!js/function x", "Unresolved tag"],
    ["? [1, 2]\n: 3", "With stringKeys, all keys must be strings"],
    ["seconds: 1\n---\nseconds: 2", "multiple documents"],
    ["seconds:\n\t5", "Tabs are not allowed as indentation"],
    ["[".repeat(60_000), "Cannot read"],
    [Uint8Array.of(0xff, 0xfe, 0x77, 0), "it is not UTF-8 text"],
    [Uint8Array.of(0x93, 0x4e, 0x55, 0x4d), "it is not UTF-8 text"],
  ];
  for (const [content, message] of cases) {
    const error = assertThrows(() => parse(content), DataError, message) as Error;
    assertEquals(error.message.split("\n").length, 1, error.message);
    assertEquals(error.message.startsWith(`Cannot read ${FILE}: `), true, error.message);
  }
});

test("parseConfig() names the key that is wrong, and the nearest known one", () => {
  const cases: [content: string, message: string][] = [
    ["wieghts: m.npy", 'unknown key "wieghts": did you mean weights?'],
    ["imagesFrom: x", 'unknown key "imagesFrom": did you mean images-from?'],
    ["images_from: x", "did you mean images-from?"],
    ["second: 1", "did you mean seconds?"],
    ["frobnicate: 1", 'unknown key "frobnicate": the keys are weights, images-from, tensor, '],
    ["__proto__: 1", 'unknown key "__proto__"'],
    ["constructor: 1", 'unknown key "constructor"'],
    ["seconds: 60 s", 'seconds must be an integer in [1, 600]: got "60 s"'],
    ["seconds: 0", "got 0"],
    ["seconds: 2.5", "got 2.5"],
    ["seconds: .inf", "must be an integer"],
    ["seconds:", "seconds must be an integer in [1, 600]: got nothing"],
    ["scheme: Mitig2", 'scheme must be one of cryptonn, mitig2: got "Mitig2"'],
    ["scheme: [mitig2]", 'got ["mitig2"]'],
    ["json: yes", 'json must be true or false: got "yes"'],
    ["weights: [a, b]", 'weights must be a path: got ["a","b"]'],
    ['weights: ""', 'weights must be a path: got ""'],
    ["images-from: []", "images-from must be a path, or a list of paths: got []"],
    ["images-from: [a, 3]", 'got ["a",3]'],
    ["tensor: 5", 'tensor must be text: put it in quotes, such as "5": got 5'],
  ];
  for (const [content, message] of cases) {
    const error = assertThrows(() => parse(content), DataError, message) as Error;
    assertEquals(error.message.split("\n").length, 1, error.message);
    assertEquals(error.message.startsWith(`Cannot use ${FILE}: `), true, error.message);
  }
});

test(
  "readConfig() says which file is not there, a folder, or no configuration",
  () =>
    withFolder(async (folder) => {
      const large = `${folder}/model.npy`;
      await Deno.writeTextFile(large, "x".repeat(70_000));
      await Deno.writeTextFile(`${folder}/a.yaml`, "weights: m.npy");
      assertEquals(await readConfig(`${folder}/a.yaml`, flags), { weights: `${folder}/m.npy` });
      const cases: [string, string][] = [
        [`${folder}/b.yaml`, "no such file or folder"],
        [folder, "it is no regular file"],
        [large, "70 kB, at most 66 kB"],
      ];
      for (const [path, message] of cases) {
        const expected = `Cannot read ${path}: ${message}`;
        await assertRejects(() => readConfig(path, flags), DataError, expected);
      }
    }),
);
