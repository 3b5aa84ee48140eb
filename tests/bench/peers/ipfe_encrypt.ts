/** The row of inner-product encryption at n = 784: a digit encrypted under a public key whose tables are there, on one
 * core. The peers are those of `ipfe.ts`, and noble-curves used as it comes.
 * @module */
import * as ipfe from "lib/fe/ipfe.ts";
import { digest, prepare, read } from "./ipfe.ts";
import { takeTurns } from "./turns.ts";

if (import.meta.main) {
  const [first, second] = Deno.args;
  if (first === "prepare") {
    await prepare(second, {
      what: "IPFE, n = 784: encrypt a digit, one core",
      peers: ["dalek/ encrypt", "ipfe_noble.ts encrypt", "ipfe_noble.ts unsafe"],
    });
  } else {
    const { mpk: bytes, x, rng } = await read(first);
    const mpk = ipfe.decodeMasterPublicKey(bytes);
    const work = () => ipfe.encrypt(mpk, x, rng);
    for (let i = 0; i < 3; i++) work();
    await takeTurns("ours, WebAssembly with relaxed SIMD", work, digest);
  }
}
