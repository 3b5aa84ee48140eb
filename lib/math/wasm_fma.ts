/** Whether WebAssembly here has relaxed SIMD whose multiply-add is fused, that is, rounded once: the specification also
 * allows rounding twice. The kernels of `pairing/` and `edwards/` rest on it.
 * @module */
import { assemble, i32, v128 } from "./pairing/emit.ts";

/** (1 + ε)(1 − ε) − 1 is −ε², or 0 where it is rounded twice. */
export function isFused(): boolean {
  const operands = [0, 16, 32].map((at) => [i32.const(0), v128.load(at)]);
  const bytes = assemble(0, [], [i32.const(48), operands, v128.madd, v128.store(0)]);
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const floats = new Float64Array(memory.buffer);
  const epsilon = 2 ** -30;
  floats.set([1 + epsilon, 1 + epsilon, 1 - epsilon, 1 - epsilon, -1, -1]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  (exports.run as () => void)();
  return floats[6] === -(epsilon ** 2) && floats[7] === -(epsilon ** 2);
}
