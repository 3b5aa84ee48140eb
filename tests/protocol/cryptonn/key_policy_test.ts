import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { decodeFunctionalKey, encodeCiphertext } from "lib/fe/ipfe.ts";
import { decodeCiphertext, decrypt } from "lib/fe/ipfe.ts";
import { group } from "lib/math/group.ts";
import { prepareDlog } from "lib/math/dlog.ts";
import { rangeOf } from "lib/fe/params.ts";
import { Authority } from "lib/protocol/cryptonn/authority.ts";
import { ClientSession } from "lib/protocol/cryptonn/client.ts";
import { GrantedSpan } from "lib/protocol/cryptonn/key_policy.ts";
import { KeyRequests } from "lib/protocol/cryptonn/server.ts";
import { paramsOf } from "lib/protocol/cryptonn/terms.ts";

const { order } = group("ristretto255");
const span = (n: number, mostShare: number) => new GrantedSpan(order, n, { mostShare });

Deno.test("admit() refuses a unit vector, whatever its length, and rows whose difference is one", () => {
  for (const row of [[0, 1, 0, 0], [0, 0, -7, 0]]) {
    assert(span(4, 1).admit(row)?.includes(`open entry ${row.findIndex((v) => v !== 0)} of every`));
  }
  const granted = span(4, 1);
  assertEquals(granted.admit([3, 5, -2, 9]), null);
  assert(granted.admit([3, 5, -2, 10])?.includes("open entry 3"));
  assertEquals(granted.rank, 1); // what was refused does not count
  assertEquals(granted.admit([6, 10, -4, 18]), null); // follows from what was granted
  assertEquals([granted.admit([1, 1, 1, 1]), granted.rank], [null, 2]);
  assert(granted.admit([3 + 2, 5 + 2, -2 + 2, 10 + 2]) !== null); // = row 0 + 2·row 1 + e_3
});

Deno.test("admit() grants no more independent rows than its share, and no row that is full of zeros counts", () => {
  const granted = span(6, 0.5);
  const rows = [[1, 2, 3, 4, 5, 6], [1, 4, 9, 16, 25, 36], [1, 8, 27, 64, 125, 216]];
  for (const row of rows) assertEquals(granted.admit(row), null);
  assert(granted.admit([1, 1, 1, 1, 1, 1])?.includes("3 independent rows of 6 entries"));
  assertEquals(granted.admit(rows[0].map((v, i) => v - 5 * rows[2][i])), null);
  assertEquals([granted.admit([0, 0, 0, 0, 0, 0]), granted.rank], [null, 3]);
  for (const share of [0, -1, 1.5, NaN]) {
    assertThrows(() => span(4, share), RangeError, "not in (0, 1]");
  }
});

Deno.test("an authority with a rule refuses keys to the server; (256, 1) gets through and opens two entries", async () => {
  const authority = new Authority({ policy: { mostShare: 0.5 } });
  const pp = paramsOf(4, 2 ** 10);
  const [toClient, toServer] = [authority.connect(), authority.connect()];
  const client = await ClientSession.open(toClient, [pp, pp]);
  const keys = new KeyRequests(toServer, client.name, {});
  const ask = (...rows: number[][]) => keys.ask("dz1", pp, Int32Array.from(rows.flat()));
  await assertRejects(() => ask([0, 1, 0, 0]), Error, "row 0: with the rows granted before it");
  const again = new KeyRequests(authority.connect(), client.name, {}); // a refusal ends a connection
  const [key] = await again.ask("dz1", pp, Int32Array.of(256, 1, 0, 0));
  await prepareDlog(pp.group, rangeOf(pp));
  const ciphertext = decodeCiphertext(client.encrypt("column", [17, 201, 99, 3]));
  assertEquals(encodeCiphertext(ciphertext).length > 0, true);
  const both = decrypt(decodeFunctionalKey(key), ciphertext);
  assertEquals([Math.floor(both / 256), both % 256], [17, 201]);
  await assertRejects(
    () => again.ask("dz1", pp, Int32Array.of(1, 1, 1, 1, 1, 2, 3, 4)),
    Error,
    "row 1: 2 independent rows of 4 entries",
  );
  toClient.close();
});
