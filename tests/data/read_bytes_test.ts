import { assertEquals } from "@std/assert";
import { fileProblem, readBytes } from "lib/data/read_bytes.ts";
import { refusal, test, write } from "./sample_files.ts";

Deno.test("fileProblem() says in a few words why there is no file", () => {
  const { NotFound, PermissionDenied, NotCapable, FilesystemLoop } = Deno.errors;
  const said = [NotFound, PermissionDenied, NotCapable, FilesystemLoop].map((kind) =>
    fileProblem(new kind("os error"))
  );
  assertEquals(said, [
    "no such file or folder",
    "its owner does not let you read it",
    "run with --allow-read",
    "its symbolic links lead in a circle",
  ]);
  assertEquals(fileProblem(new Error("Input/output error")), "Input/output error");
});

test("readBytes() reads a file, and refuses none, empty ones and folders", async (folder) => {
  await write(folder, { "a": "xy", "zero": "" });
  assertEquals(await readBytes(`${folder}/a`), Uint8Array.of(120, 121));
  const of = (name: string) => refusal(folder, () => readBytes(`${folder}/${name}`));
  assertEquals(await of("b"), "Cannot read b: no such file or folder");
  assertEquals(await of("zero"), "Cannot read zero: it is empty");
  assertEquals(await of(""), "Cannot read : it is no regular file");
  await Deno.truncate(`${folder}/a`, 2 ** 30 + 1); // sparse
  assertEquals(await of("a"), "Cannot read a: 1.1 GB, at most 1.1 GB: save a part of it");
});
