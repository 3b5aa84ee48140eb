/** The row of function-hiding encryption with nothing kept from one decryption to the next: see `fhipe.ts`.
 * @module */
import { main } from "./fhipe.ts";

if (import.meta.main) await main(Deno.args, "fresh");
