/** The row of function-hiding encryption with nothing kept from one decryption to the next: takes "prepare" and the
 * rest as `fhipe.ts` does.
 * @module */
import { main } from "./fhipe.ts";

if (import.meta.main) await main(Deno.args, "fresh");
