/** Ten images behind one W1 at 600 × 1024, as a server attacks them: solver "fast", both cores, Workers' start included.
 * Every program must be solved, with the same verdicts one by one, before anything is timed.
 *
 * Run: deno run -A tests/bench/attack_bench.ts   Baseline: the same on another checkout of this repository, in
 * turn with this one, by the call that it had then: … attack_bench.ts <folder of the checkout>
 * @module */
