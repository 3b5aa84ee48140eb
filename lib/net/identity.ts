/** What a server is known by, kept in one directory: `cert.pem`, which a client trusts, its `key.pem`, and the
 * `token` that a client must show. Parties on one machine share the directory; for another machine the user
 * copies `cert.pem` and `token` there, and the key stays.
 * @module */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { openToOthers } from "../data/owner_only.ts";
import { secureRng } from "../math/rng.ts";
import { selfSigned } from "./certificate.ts";

/** What a client needs to find the right server and be let in. */
export interface Credentials {
  readonly cert: string;
  readonly token: string;
}

/** What a server needs. */
export interface Identity extends Credentials {
  readonly key: string;
}

const LOCAL_HOSTS = ["localhost", "127.0.0.1", "::1"];
const TOKEN_BYTES = 32;

/** A file's text, whatever encoding its first bytes tell. PEM files come as people have them, copied through mail, an
 * editor or a shell of another system: a byte-order mark, UTF-16 (what `>` writes in Windows PowerShell), CRLF,
 * indentation, and words around the blocks change nothing of what they hold. RFC 7468 has parsers ignore most of it,
 * but those below TLS do not. */
function decodeText(bytes: Uint8Array): string {
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe
    ? "utf-16le"
    : a === 0xfe && b === 0xff
    ? "utf-16be"
    : "utf-8";
  return new TextDecoder(encoding).decode(bytes); // which drops the mark
}

/** The blocks of a file whose label is one of `labels`, as strict PEM, in their order.
 * @returns "" where there is none. */
function pemBlocks(text: string, ...labels: readonly string[]): string {
  const block = new RegExp(`-----BEGIN (${labels.join("|")})-----([^-]*)-----END \\1-----`, "g");
  return [...text.matchAll(block)].map(([, label, body]) => {
    const lines = body.replace(/\s/g, "").replace(/.{64}(?=.)/g, "$&\n");
    return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
  }).join("");
}

/** What a file without the block that was looked for is instead, in words. */
function whatItIs(bytes: Uint8Array): string {
  const [, label] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(decodeText(bytes)) ?? [];
  if (label !== undefined) return `it holds a ${label}`;
  if (bytes[0] === 0x30 && bytes[1] >= 0x80) return "it is DER, not PEM";
  return bytes.length === 0 ? "it is empty" : "there is no PEM in it";
}

const refuse = (directory: string, name: string, state: string) =>
  new Error(`Cannot use ${directory}/${name}: ${state}`);

async function readBytes(directory: string, name: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(`${directory}/${name}`);
  } catch (cause) {
    const state = cause instanceof Deno.errors.NotFound ? "it is missing" : String(cause);
    throw new Error(`Cannot use ${directory}/${name}: ${state}`, { cause });
  }
}

/** Reads what nobody else may know. @throws {Error} others have access to it; on Windows nobody looks. */
async function readSecret(directory: string, name: string): Promise<string> {
  const text = decodeText(await readBytes(directory, name));
  const open = await openToOthers(`${directory}/${name}`);
  if (open !== null) throw refuse(directory, name, open);
  return text;
}

/** Reads the certificates of `cert.pem`, the server's own first, and checks that this can be used now. */
async function readCertificate(directory: string, now: Date): Promise<string> {
  const bytes = await readBytes(directory, "cert.pem");
  const cert = pemBlocks(decodeText(bytes), "CERTIFICATE");
  let [from, until] = [new Date(NaN), new Date(NaN)];
  try {
    const { validFrom, validTo } = new X509Certificate(cert);
    [from, until] = [new Date(validFrom), new Date(validTo)];
  } catch {
    throw refuse(directory, "cert.pem", `it is not a certificate (${whatItIs(bytes)})`);
  }
  const day = (date: Date) => date.toISOString().slice(0, 10);
  if (now < from) {
    const clock = `the clock of this machine says ${
      now.toISOString().slice(0, 16)
    }Z, is it behind?`;
    throw refuse(directory, "cert.pem", `it is valid from ${day(from)} on; ${clock}`);
  }
  if (!(now < until)) {
    const advice = `remove ${directory} on the server for a new one`;
    const clock = `if the clock of this machine, ${day(now)}, is right`;
    throw refuse(directory, "cert.pem", `it expired on ${day(until)}; ${advice}, ${clock}`);
  }
  return cert;
}

/** Reads the certificate and the token, and checks that they can be used now.
 * @throws {Error} one is missing, damaged or not valid at this time, or others can read the token; the message
 * names the file. */
export async function loadCredentials(
  directory: string,
  now: Date = new Date(),
): Promise<Credentials> {
  const cert = await readCertificate(directory, now);
  const token = (await readSecret(directory, "token")).trim();
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) {
    throw refuse(directory, "token", `it is not ${TOKEN_BYTES} bytes in base64url`);
  }
  return { cert, token };
}

/** Reads the server's identity. @throws {Error} as `loadCredentials`, or the key is not the certificate's. */
async function loadIdentity(directory: string, now: Date): Promise<Identity> {
  const credentials = await loadCredentials(directory, now);
  const text = await readSecret(directory, "key.pem");
  const key = pemBlocks(text, "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY");
  let fits = false;
  try {
    fits = new X509Certificate(credentials.cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    // Not a key at all.
  }
  if (!fits) throw refuse(directory, "key.pem", "it is not the private key of cert.pem");
  return { ...credentials, key };
}

/** Whether there is nothing yet: no directory, or an empty one. */
async function isVacant(directory: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(directory)) return false;
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** Makes an identity beside its place and moves it there in one step: nobody meets half of one, and of two
 * who make one at the same time the second finds the first's and leaves it. */
async function createIdentity(directory: string, hosts: readonly string[], now: Date) {
  const { cert, key } = selfSigned([...new Set([...LOCAL_HOSTS, ...hosts])], now);
  const token = secureRng().bytes(TOKEN_BYTES).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
  const place = directory.replace(/\/+$/, "");
  const draft = `${place}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(draft, { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(`${draft}/cert.pem`, cert);
    await Deno.writeTextFile(`${draft}/key.pem`, key, { mode: 0o600 });
    await Deno.writeTextFile(`${draft}/token`, `${token}\n`, { mode: 0o600 });
    await Deno.rename(draft, place);
  } catch (cause) {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
    if (await isVacant(directory)) {
      throw new Error(`Cannot make a certificate in ${directory}: ${cause}`, { cause });
    }
  }
}

/** The server's identity in a directory, made there at first use; readable by its owner only.
 * @param hosts names and addresses that other machines reach the server at, beside localhost.
 * @throws {Error} a file is missing, damaged or expired: the message names it. Nothing is replaced. */
export async function loadOrCreateIdentity(
  directory: string,
  hosts: readonly string[] = [],
  now: Date = new Date(),
): Promise<Identity> {
  if (await isVacant(directory)) await createIdentity(directory, hosts, now);
  return await loadIdentity(directory, now);
}
