/** The kernel of ristretto255: its two functions over a memory of its own.
 * @module */
import { assembleModule } from "../pairing/emit.ts";
import { isFused } from "../wasm_fma.ts";
import { NUMBER, P, toLimbs, writeConstants } from "./constants.ts";
import { FIELD } from "./field.ts";
import { run } from "./program.ts";
import { D, IDENTITY, SIGNS, TWO_D, walk } from "./walk.ts";

/** The kernel's two functions, and its memory. */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  /** Takes the steps at `stream`; points that are emitted go to `out` and after it. */
  readonly walk: (stream: number, base0: number, base1: number, out: number) => void;
  /** Runs a program `times` ≥ 1 over, with the base moving by the stride. */
  readonly run: (program: number, times: number, base: number, stride: number) => void;
}

/** Compiles the kernel, over a memory of its own.
 * @returns null where the machine has no relaxed SIMD with a fused multiply-add. */
export function startKernel(): Kernel | null {
  if (!isFused()) return null;
  const memory = new WebAssembly.Memory({ initial: 16 });
  const functions = [...FIELD, walk, run];
  const bytes = assembleModule(functions, {
    walk: FIELD.length,
    run: FIELD.length + 1,
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  writeConstants(memory);
  const floats = new Float64Array(memory.buffer);
  const write = (address: number, value: bigint) =>
    toLimbs(value).forEach((limb, k) =>
      floats.fill(limb, address / 8 + 2 * k, address / 8 + 2 * k + 2)
    );
  const twoD = (2n * D) % P;
  write(TWO_D, 2n * twoD > P ? twoD - P : twoD);
  [0n, 1n, 1n, 0n].forEach((value, i) => write(IDENTITY + i * NUMBER, value));
  floats[SIGNS / 8 + 1] = -0;
  return { memory, ...exports } as unknown as Kernel;
}
