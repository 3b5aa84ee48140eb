import { assert, assertEquals } from "@std/assert";
import { readmeProblems } from "./gates/check_claims.ts";

const root = new URL("../", import.meta.url);
const permitted = (await Deno.permissions.query({ name: "read" })).state === "granted";
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

const read = (path: string) => Deno.readTextFile(new URL(path, root));

/** Every page for people, by its path. */
async function pages(): Promise<Map<string, string>> {
  const paths = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "lib/README.md",
    "tests/bench/README.md",
  ];
  for await (const { name, isDirectory } of Deno.readDir(new URL("lib", root))) {
    const path = `lib/${name}/README.md`;
    const there = isDirectory && await Deno.stat(new URL(path, root)).then(() => true, () => false);
    if (there) paths.push(path);
  }
  return new Map(await Promise.all(paths.map(async (path) => [path, await read(path)] as const)));
}

test("each task of deno.json says what it does, and no page names a task that is not there", async () => {
  const tasks: Record<string, { description?: string }> = JSON.parse(await read("deno.json")).tasks;
  for (const [name, { description }] of Object.entries(tasks)) {
    assert(description, `${name} has no description`);
  }
  for (const [path, page] of await pages()) {
    for (const [, task] of page.matchAll(/deno(?:@[\d.]+)? task ([a-z][a-z:_0-9]*)/g)) {
      assert(Object.hasOwn(tasks, task), `${path} names deno task ${task}`);
    }
  }
});

test("README links to every notebook, and the pages' relative links lead somewhere", async () => {
  const readme = await read("README.md");
  for await (const { name } of Deno.readDir(new URL("notebooks", root))) {
    const linked = !name.endsWith(".ipynb") || readme.includes(`](notebooks/${name})`);
    assert(linked, `missing: ${name}`);
  }
  for (const [path, page] of await pages()) {
    for (const [, link] of page.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      await Deno.stat(new URL(link, new URL(path, root))).catch(() =>
        assert(false, `${path}: ${link}`)
      );
    }
  }
});

test("lib/README.md names every folder of lib", async () => {
  const map = await read("lib/README.md");
  for await (const { name, isDirectory } of Deno.readDir(new URL("lib", root))) {
    assert(!isDirectory || map.includes(`\`lib/${name}/\``), `missing: lib/${name}`);
  }
});

test("the files and functions that the pages place the paper in are there", async () => {
  for (const [path, page] of await pages()) {
    for (
      const [, file, , names = ""] of page.matchAll(/`(lib\/[\w/]+\.ts)`(: ((?:`\w+`(?:, )?)+))?/g)
    ) {
      const code = await read(file).catch(() => assert(false, `${path} names ${file}`));
      for (const [, name] of names.matchAll(/`(\w+)`/g)) {
        const exported = new RegExp(`export (async )?(function|const|class|interface) ${name}\\b`);
        assert(exported.test(code!), `${path}: ${file} exports no ${name}`);
      }
    }
  }
});

test("README's results say of random draws how often, not always", async () => {
  assertEquals(readmeProblems(await read("README.md")), []);
});
