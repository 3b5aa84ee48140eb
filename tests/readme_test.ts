import { assert, assertEquals } from "@std/assert";
import { readmeProblems } from "./gates/check_claims.ts";

const root = new URL("../", import.meta.url);
const permitted = (await Deno.permissions.query({ name: "read" })).state === "granted";
const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !permitted, fn });

const read = (path: string) => Deno.readTextFile(new URL(path, root));

test("README names every task, and no task that is not there", async () => {
  const readme = await read("README.md");
  const tasks = Object.keys(JSON.parse(await read("deno.json")).tasks);
  for (const task of tasks) assert(readme.includes(`deno task ${task}`), `missing: ${task}`);
  for (const [, task] of readme.matchAll(/task ([a-z][a-z:_0-9]*)/g)) {
    assert(tasks.includes(task), `README names deno task ${task}`);
  }
});

test("README links to every notebook, and its relative links lead somewhere", async () => {
  const readme = await read("README.md");
  for await (const { name } of Deno.readDir(new URL("notebooks", root))) {
    const linked = !name.endsWith(".ipynb") || readme.includes(`](notebooks/${name})`);
    assert(linked, `missing: ${name}`);
  }
  for (const [, link] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    await Deno.stat(new URL(link, root));
  }
});

test("README names every folder of lib", async () => {
  const readme = await read("README.md");
  for await (const { name, isDirectory } of Deno.readDir(new URL("lib", root))) {
    assert(!isDirectory || readme.includes(`lib/${name} `), `missing: lib/${name}`);
  }
});

test("README's results say of random draws how often, not always", async () => {
  assertEquals(readmeProblems(await read("README.md")), []);
});
