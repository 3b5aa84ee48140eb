import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { selfSigned, VALID_DAYS } from "lib/net/certificate.ts";

const now = new Date("2030-01-02T03:04:05Z");
const HOSTS = ["localhost", "127.0.0.1", "::1", "fe80::1:2", "::ffff:1.2.3.4", "gpu-2.example"];

Deno.test("selfSigned() makes a certificate that node:crypto reads, with its key", () => {
  const { cert, key } = selfSigned(HOSTS, now);
  const read = new X509Certificate(cert);
  assert(read.checkPrivateKey(createPrivateKey(key)));
  assert(read.verify(read.publicKey));
  assertEquals(read.ca, false);
  assertEquals(read.subject, "CN=fe-training");
  assertEquals(read.issuer, read.subject);
  assertEquals(new Date(read.validFrom), new Date("2030-01-01T03:04:05Z"));
  assertEquals(new Date(read.validTo).getTime() - now.getTime(), VALID_DAYS * 86_400_000);
  for (const host of ["localhost", "gpu-2.example"]) assertEquals(read.checkHost(host), host);
  for (const address of ["127.0.0.1", "::1", "fe80::1:2"]) {
    assertEquals(read.checkIP(address), address);
  }
  assertEquals(read.checkHost("example"), undefined);
  assertEquals(read.checkIP("127.0.0.2"), undefined);
});

Deno.test("selfSigned() draws a new key and serial number every time", () => {
  const [first, second] = [selfSigned(HOSTS), selfSigned(HOSTS)];
  assert(first.key !== second.key);
  const [one, other] = [first, second].map(({ cert }) => new X509Certificate(cert).serialNumber);
  assert(one !== other);
  assertMatch(one, /^[4-7][0-9A-F]{31}$/); // 16 bytes, positive
});

Deno.test("selfSigned() refuses what is no host", () => {
  for (const host of ["", "a b", "-a", "http://a", "1.2.3.4:80", "*"]) {
    assertThrows(
      () => selfSigned(["localhost", host]),
      RangeError,
      `Cannot make a certificate: ${host} is not a host name`,
    );
  }
  assertThrows(() => selfSigned([]), RangeError, "no host is not a host name");
});

Deno.test({
  name: "selfSigned() makes a certificate that OpenSSL accepts strictly",
  ignore: (await Deno.permissions.query({ name: "run" })).state !== "granted" ||
    (await Deno.permissions.query({ name: "write" })).state !== "granted" ||
    !await new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" })
      .output().then(({ success }) => success, () => false),
  async fn() {
    const file = await Deno.makeTempFile({ suffix: ".pem" });
    try {
      await Deno.writeTextFile(file, selfSigned(HOSTS).cert);
      const { success, stderr } = await new Deno.Command("openssl", {
        args: ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", file, file],
      }).output();
      assert(success, new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(file);
    }
  },
});
