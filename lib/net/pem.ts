/** PEM files as people have them: copied through mail, an editor or a shell of another system.
 *
 * A byte-order mark, UTF-16 (what `>` writes in Windows PowerShell), CRLF, indentation, and words around the
 * blocks change nothing of what they hold: RFC 7468 has parsers ignore most of it, but those below TLS do not.
 * @module */

/** A file's text, whatever encoding its first bytes tell. */
export function decodeText(bytes: Uint8Array): string {
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
export function pemBlocks(text: string, ...labels: readonly string[]): string {
  const block = new RegExp(`-----BEGIN (${labels.join("|")})-----([^-]*)-----END \\1-----`, "g");
  return [...text.matchAll(block)].map(([, label, body]) => {
    const lines = body.replace(/\s/g, "").replace(/.{64}(?=.)/g, "$&\n");
    return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
  }).join("");
}

/** What a file without the block that was looked for is instead, in words. */
export function whatItIs(bytes: Uint8Array): string {
  const [, label] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(decodeText(bytes)) ?? [];
  if (label !== undefined) return `it holds a ${label}`;
  if (bytes[0] === 0x30 && bytes[1] >= 0x80) return "it is DER, not PEM";
  return bytes.length === 0 ? "it is empty" : "there is no PEM in it";
}
