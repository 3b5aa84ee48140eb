import { assert, assertEquals, assertRejects } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { selfSigned } from "lib/protocol/certificate.ts";
import { loadCredentials, loadOrCreateIdentity } from "lib/protocol/identity.ts";

const granted = async (name: "read" | "write") =>
  (await Deno.permissions.query({ name })).state === "granted";
const ignore = !(await granted("read") && await granted("write"));

/** A test with a directory of its own, `…/tls`, that does not exist yet. */
function test(name: string, run: (directory: string) => Promise<void>) {
  Deno.test({
    name,
    ignore,
    async fn() {
      const parent = await Deno.makeTempDir();
      try {
        await run(`${parent}/tls`);
      } finally {
        await Deno.remove(parent, { recursive: true });
      }
    },
  });
}

async function names(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), (entry) => entry.name)).sort();
}

test("loadOrCreateIdentity() makes an identity once, the secrets for its owner only", async (directory) => {
  const made = await loadOrCreateIdentity(directory, ["gpu-2.example"]);
  assertEquals(await names(directory), ["cert.pem", "key.pem", "token"]);
  assertEquals(await names(`${directory}/..`), ["tls"]);
  assertEquals(Uint8Array.fromBase64(made.token, { alphabet: "base64url" }).length, 32);
  assertEquals(new X509Certificate(made.cert).checkHost("gpu-2.example"), "gpu-2.example");
  assertEquals(await loadOrCreateIdentity(directory), made);
  assertEquals(await loadCredentials(directory), { cert: made.cert, token: made.token });
  if (Deno.build.os !== "windows") {
    for (const name of ["key.pem", "token"]) {
      assertEquals((await Deno.stat(`${directory}/${name}`)).mode! & 0o777, 0o600);
    }
  }
});

test("loadOrCreateIdentity() gives all who ask at the same time the same identity", async (directory) => {
  const all = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateIdentity(directory)));
  assertEquals(new Set(all.map(({ token }) => token)).size, 1);
  assertEquals(await names(`${directory}/..`), ["tls"]);
});

test("loadCredentials() needs no key: another machine has none", async (directory) => {
  await loadOrCreateIdentity(directory);
  await Deno.remove(`${directory}/key.pem`);
  assert((await loadCredentials(directory)).token.length > 0);
  await assertRejects(
    () => loadOrCreateIdentity(directory),
    Error,
    `Cannot use ${directory}/key.pem: it is missing`,
  );
});

test("loadOrCreateIdentity() names the damaged file and replaces nothing, one fault at a time", async (directory) => {
  const { cert, key, token } = await loadOrCreateIdentity(directory);
  const files = { "cert.pem": cert, "key.pem": key, "token": `${token}\n` };
  const faults: [keyof typeof files, string, string][] = [
    ["cert.pem", cert.slice(0, 300), "it is not a certificate"],
    ["cert.pem", "", "it is not a certificate"],
    ["key.pem", key.slice(0, 100), "it is not the private key of cert.pem"],
    ["key.pem", selfSigned(["localhost"]).key, "it is not the private key of cert.pem"],
    ["token", token.slice(1), "it is not 32 bytes in base64url"],
    ["token", `${token.slice(1)}=`, "it is not 32 bytes in base64url"],
  ];
  for (const [name, content, state] of faults) {
    await Deno.writeTextFile(`${directory}/${name}`, content);
    await assertRejects(
      () => loadOrCreateIdentity(directory),
      Error,
      `Cannot use ${directory}/${name}: ${state}`,
    );
    assertEquals(await Deno.readTextFile(`${directory}/${name}`), content);
    await Deno.writeTextFile(`${directory}/${name}`, files[name]);
  }
  assertEquals((await loadOrCreateIdentity(directory)).token, token);
});

test("loadCredentials() says when the certificate expired", async (directory) => {
  await loadOrCreateIdentity(directory, [], new Date("2020-01-01"));
  await assertRejects(
    () => loadCredentials(directory),
    Error,
    `Cannot use ${directory}/cert.pem: it expired on 2021-12-31`,
  );
});

test("loadOrCreateIdentity() says that a directory cannot be made", async (directory) => {
  await Deno.writeTextFile(directory, "a file");
  await assertRejects(() => loadOrCreateIdentity(directory), Error, directory);
});
