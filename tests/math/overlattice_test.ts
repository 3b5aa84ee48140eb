import { assert, assertEquals } from "@std/assert";
import { reduceGram } from "lib/math/lll.ts";
import { determinantOf, overlattices } from "lib/math/overlattice.ts";

/** A lattice by the rows of a basis. */
function lattice(rows: readonly (readonly number[])[]) {
  const m = rows.length;
  const gram = Float64Array.from(
    rows.flatMap((a) => rows.map((b) => a.reduce((sum, v, k) => sum + v * b[k], 0))),
  );
  // carried: inner products with the lattice's own vectors, as the attack carries them
  return reduceGram(gram, { m, carry: gram });
}

const isIdentity = ({ gram, rank }: { gram: Float64Array; rank: number }) =>
  gram.every((value, at) => value === Number(at % (rank + 1) === 0));

Deno.test("overlattices() finds Z^n around a sublattice of prime index", () => {
  for (const p of [2, 3, 7, 31]) {
    const sub = lattice([[1, 1, 2, 0, 1], [0, p, 0, 0, 0], [0, 0, 1, 0, 3], [0, 0, 0, 1, 1], [
      ...[0, 0, 0, 0, 1],
    ]]);
    assertEquals(Math.round(determinantOf(sub.gram, sub.rank)), p * p);
    const { prime, lattices, complete } = overlattices(sub);
    assertEquals([prime, complete], [p, true]);
    assert(lattices.some(isIdentity));
    for (const { gram, rank } of lattices) assertEquals(Math.round(determinantOf(gram, rank)), 1);
  }
});

Deno.test("overlattices() of D_4 are three, each as orthonormal as Z^4; of D_5 one", () => {
  const D = (n: number) =>
    lattice([
      [1, 1, ...new Array(n - 2).fill(0)],
      ...Array.from({ length: n - 1 }, (_, i) => {
        const row = new Array(n).fill(0);
        [row[i], row[i + 1]] = [1, -1];
        return row;
      }),
    ]);
  assertEquals(overlattices(D(4)).lattices.filter(isIdentity).length, 3);
  assertEquals(overlattices(D(5)).lattices.filter(isIdentity).length, 1);
  // (½, ½, ½, ½) has the square 1, but its product with ones is 2
  const basis = [[1, 1, 0, 0], [1, -1, 0, 0], [0, 1, -1, 0], [0, 0, 1, -1]];
  const gram = Float64Array.from(
    basis.flatMap((a) => basis.map((b) => a.reduce((sum, v, k) => sum + v * b[k], 0))),
  );
  const carried = reduceGram(gram, { m: 4, carry: Float64Array.of(2, 0, 0, 0) });
  assertEquals(overlattices(carried, { characteristic: [0] }).lattices.length, 2);
});

Deno.test("overlattices() looks at every line of a kernel: (p³ − 1)/(p − 1) around p·Z³", () => {
  for (const [p, lines] of [[2, 7], [3, 13]]) {
    const { lattices, complete } = overlattices(lattice([[p, 0, 0], [0, p, 0], [0, 0, p]]));
    assertEquals([lattices.length, complete], [lines, true]);
    const squares = lattices.map(({ gram }) => [gram[0], gram[4], gram[8]].sort().join());
    assertEquals(squares.filter((of) => of === [1, p * p, p * p].sort().join()).length, 3); // axes
  }
});

Deno.test("overlattices() has none where the determinant is 1, without a square, or too large", () => {
  const none = (rows: number[][]) => overlattices(lattice(rows));
  assertEquals(none([[1, 0], [0, 1]]), { prime: null, lattices: [], complete: true });
  assertEquals(none([[1, 1, 0], [0, 1, 1]]).complete, false); // determinant 3
  assertEquals(none([[2 ** 10, 1], [1, -(2 ** 11)]]).lattices, []);
});

Deno.test("overlattices() are not all there are where the reduction of one did not end", () => {
  const [a, b] = [[1, 5, 0, 0], [5, 1, 0, 0]]; // twice indefinite: what no inner products are
  const gram = Float64Array.from([a, b, b.toReversed(), a.toReversed()].flat());
  const { prime, lattices, complete } = overlattices({
    ...{ status: "reduced", rank: 4, gram, carried: gram },
  });
  assertEquals([prime, lattices, complete], [2, [], false]);
});
