/** A sweep for the bench: each point hashes as often as it says, which takes a core and nothing else.
 * @module */
import { sha256 } from "@noble/hashes/sha2.js";
import { defineSweep } from "lib/sweep/grid.ts";

export const sweep = defineSweep({
  url: import.meta.url,
  name: "work",
  version: 1,
  fields: {
    index: { type: "integer", min: 0, max: 9999 },
    rounds: { type: "integer", min: 0, max: 1e9 },
  },
  columns: ["digest"],
  grids: [{ index: Array.from({ length: 100 }, (_, i) => i), rounds: [0] }],
  run({ rounds }, { seed }) {
    let digest = new TextEncoder().encode(String(seed));
    for (let k = 0; k < rounds; k++) digest = sha256(digest);
    return { digest: digest.toHex() };
  },
});
