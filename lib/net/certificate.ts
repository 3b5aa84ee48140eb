/** A certificate made on this machine: ECDSA P-256, signed by itself, for a server and those who were given
 * a copy (RFC 5280). It is no authority: it vouches for these host names only.
 *
 * The DER of one fixed certificate is 40 lines over `node:crypto`, which makes the key, the signature and their
 * encodings; the libraries that write any certificate are 5 MB in 19 packages and patch `Reflect`.
 * @module */
import { Buffer } from "node:buffer";
import { createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import { isIP } from "node:net";

const DAY_MS = 86_400_000;
/** Browsers and some TLS libraries refuse longer lives than about two years. */
export const VALID_DAYS = 730;

type Bytes = Uint8Array;

/** One DER value: tag, length, content. */
function der(tag: number, ...content: readonly Bytes[]): Bytes {
  const body = Buffer.concat(content);
  const size = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), body]);
}

const [BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, UTF8, UTC_TIME, SEQUENCE, SET] = //
  [0x01, 0x02, 0x03, 0x04, 0x06, 0x0c, 0x17, 0x30, 0x31];
const text = (value: string) => new TextEncoder().encode(value);
const oid = (hex: string) => der(OID, Uint8Array.fromHex(hex));
const bits = (content: Bytes, unused = 0) => der(BIT_STRING, Uint8Array.of(unused), content);
/** `YYMMDDHHMMSSZ`: until 2049 (RFC 5280, 4.1.2.5). */
const time = (date: Date) =>
  der(UTC_TIME, text(date.toISOString().replace(/^..|[-:T]|\.\d+/g, "")));
const TRUE = der(BOOLEAN, Uint8Array.of(0xff));
const ECDSA_SHA256 = der(SEQUENCE, oid("2a8648ce3d040302"));

const extension = (id: string, value: Bytes, ...critical: Bytes[]) =>
  der(SEQUENCE, oid(id), ...critical, der(OCTET_STRING, value));

/** Context tags of GeneralName: dNSName [2], iPAddress [7]. */
function generalName(host: string): Bytes {
  switch (isIP(host)) {
    case 4:
      return der(0x87, Uint8Array.from(host.split("."), Number));
    case 6:
      return der(0x87, addressV6(host));
    default:
      return der(0x82, text(host));
  }
}

/** The 16 bytes of an IPv6 address. */
function addressV6(address: string): Bytes {
  const expanded = new URL(`http://[${address}]`).hostname.slice(1, -1); // lower case, no dotted quad
  const [front, back] = expanded.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = back === undefined ? [] : Array(8 - front.length - back.length).fill("0");
  return Uint8Array.from(
    [...front, ...zeros, ...back ?? []].flatMap((group) => {
      const value = parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}

const pem = (label: string, content: Bytes) =>
  `-----BEGIN ${label}-----\n${
    content.toBase64().replace(/.{64}(?=.)/g, "$&\n")
  }\n-----END ${label}-----\n`;

/** A new key and its certificate, both PEM.
 * @param hosts names and addresses that the server is reached at.
 * @throws {RangeError} a host is no name and no address. */
export function selfSigned(
  hosts: readonly string[],
  now: Date = new Date(),
): { cert: string; key: string } {
  const wrong = hosts.find((host) =>
    isIP(host) === 0 && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host)
  );
  if (wrong !== undefined || hosts.length === 0) {
    throw new RangeError(`Cannot make a certificate: ${wrong ?? "no host"} is not a host name`);
  }
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serial = randomBytes(16);
  serial[0] = serial[0] & 0x7f | 0x40; // positive, and shortest DER
  const commonName = der(SEQUENCE, oid("550403"), der(UTF8, text("fe-training")));
  const name = der(SEQUENCE, der(SET, commonName));
  const until = new Date(now.getTime() + VALID_DAYS * DAY_MS);
  const extensions = der(
    SEQUENCE,
    extension("551d13", der(SEQUENCE), TRUE), // basicConstraints: no authority
    extension("551d0f", bits(Uint8Array.of(0x80), 7), TRUE), // keyUsage: digitalSignature
    extension("551d25", der(SEQUENCE, oid("2b06010505070301"))), // extKeyUsage: serverAuth
    extension("551d11", der(SEQUENCE, ...hosts.map(generalName))), // subjectAltName
  );
  const toSign = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Uint8Array.of(2))), // version 3
    der(INTEGER, serial),
    ECDSA_SHA256,
    name,
    // A day earlier: another machine's clock may be behind.
    der(SEQUENCE, time(new Date(now.getTime() - DAY_MS)), time(until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const signature = createSign("sha256").update(toSign).sign(privateKey);
  return {
    cert: pem("CERTIFICATE", der(SEQUENCE, toSign, ECDSA_SHA256, bits(signature))),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}
