import { assert, assertEquals, assertRejects } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { Buffer } from "node:buffer";
import { selfSigned } from "lib/net/certificate.ts";
import { loadCredentials, loadOrCreateIdentity } from "lib/net/identity.ts";

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

test("loadCredentials() says when the certificate is not valid yet, and that the clock may be behind", async (directory) => {
  const { token } = await loadOrCreateIdentity(directory, [], new Date("2026-11-25T12:00Z"));
  await assertRejects(
    () => loadCredentials(directory, new Date("2026-11-22T08:30Z")),
    Error,
    `Cannot use ${directory}/cert.pem: it is valid from 2026-11-24 on; ` +
      "the clock of this machine says 2026-11-22T08:30Z, is it behind?",
  );
  await assertRejects(
    () => loadCredentials(directory, new Date("2029-01-01")),
    Error,
    "if the clock of this machine, 2029-01-01, is right",
  );
  // A day behind is no reason: the certificate begins a day before it was made.
  assertEquals((await loadCredentials(directory, new Date("2026-11-24T12:30Z"))).token, token);
});

test("loadOrCreateIdentity() reads PEM and token in the forms that editors and shells leave them", async (directory) => {
  const { cert, key, token } = await loadOrCreateIdentity(directory);
  const encodings: Record<string, (text: string) => Uint8Array | string> = {
    "a byte-order mark": (text) => "\ufeff" + text,
    "UTF-16, as PowerShell writes it": (text) => Buffer.from("\ufeff" + text, "utf16le"),
    "UTF-16, the other way": (text) => Buffer.from("\ufeff" + text, "utf16le").swap16(),
    "CRLF": (text) => text.replaceAll("\n", "\r\n"),
    "CR alone": (text) => text.replaceAll("\n", "\r"),
    "no last line end": (text) => text.trimEnd(),
    "blanks at the ends": (text) => `\n\n  ${text.replaceAll("\n", "  \n")}\n\t\n`,
  };
  const words: typeof encodings = {
    "indentation": (text) => text.replace(/^/gm, "  "),
    "words around it": (text) => `Bag Attributes: <none>\nsubject=CN = x\n${text}that was it\n`,
    "one long line": (text) => text.replace(/(?<=[^-])\n(?!-)/g, ""),
  };
  const files = { "cert.pem": cert, "key.pem": key, "token": `${token}\n` };
  for (const [name, content] of Object.entries(files)) {
    const forms = { ...encodings, ...name === "token" ? {} : words };
    for (const [form, write] of Object.entries(forms)) {
      const written = write(content);
      const bytes = typeof written === "string" ? new TextEncoder().encode(written) : written;
      await Deno.writeFile(`${directory}/${name}`, bytes);
      assertEquals(await loadOrCreateIdentity(directory), { cert, key, token }, `${name}: ${form}`);
    }
    await Deno.writeTextFile(`${directory}/${name}`, content);
  }
  const chain = selfSigned(["ca.example"]).cert;
  await Deno.writeTextFile(`${directory}/cert.pem`, `${key}${cert}${chain}`);
  assertEquals((await loadCredentials(directory)).cert, cert + chain);
});

test("loadCredentials() says what is in cert.pem instead of a certificate", async (directory) => {
  const { cert, key } = await loadOrCreateIdentity(directory);
  const faults: [content: string | Uint8Array, state: string][] = [
    [new Uint8Array(new X509Certificate(cert).raw), "it is DER, not PEM"],
    [key, "it holds a PRIVATE KEY"],
    ["", "it is empty"],
    ["<html>404</html>", "there is no PEM in it"],
    [cert.replace("M", "!"), "it holds a CERTIFICATE"],
    [cert.replace("-----END", "----END"), "it holds a CERTIFICATE"],
  ];
  for (const [content, state] of faults) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${directory}/cert.pem`, bytes);
    await assertRejects(
      () => loadCredentials(directory),
      Error,
      `Cannot use ${directory}/cert.pem: it is not a certificate (${state})`,
    );
  }
});

test("loadOrCreateIdentity() refuses secrets that others have access to, and says how to mend it", async (directory) => {
  if (Deno.build.os === "windows") return;
  const identity = await loadOrCreateIdentity(directory);
  for (const name of ["key.pem", "token"]) {
    for (const mode of [0o666, 0o644, 0o640, 0o604, 0o620, 0o601]) {
      await Deno.chmod(`${directory}/${name}`, mode);
      await assertRejects(
        () => loadOrCreateIdentity(directory),
        Error,
        `Cannot use ${directory}/${name}: its mode ${
          mode.toString(8)
        } lets others at it; run chmod 600 ${directory}/${name}, take a folder on another disk`,
      );
    }
    await Deno.chmod(`${directory}/${name}`, 0o400);
    assertEquals(await loadOrCreateIdentity(directory), identity);
  }
  await Deno.chmod(`${directory}/key.pem`, 0o644); // a client does not look at it
  await loadCredentials(directory);
});

test("loadOrCreateIdentity() says that a directory cannot be made", async (directory) => {
  await Deno.writeTextFile(directory, "a file");
  await assertRejects(() => loadOrCreateIdentity(directory), Error, directory);
});
