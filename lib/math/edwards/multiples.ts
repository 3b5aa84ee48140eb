/** The keys of 1·P, 2·P, 3·P, … on the kernel: what a table of discrete logarithms is filled with. The lanes walk
 * along the line side by side.
 * @module */
import type { Bulk, Element } from "../prime_group.ts";
import type { Codec } from "./codec.ts";
import { ENTRY, POINT, STEP } from "./walk.ts";
import { type Machine, REGION, type Wrapping } from "./machine.ts";

/** Prepares them on a machine. */
export function compileMultiples(
  machine: Machine,
  codec: Codec,
  { wrap, limbsIn }: Wrapping,
): Bulk["multiplesKeys"] {
  /** k · element, by doublings. */
  function times(element: Element, k: number): Element {
    let sum = wrap(machine.identity);
    for (const bit of k.toString(2)) {
      sum = sum.double();
      if (bit === "1") sum = sum.add(element);
    }
    return sum;
  }

  return (element) => {
    let next = element;
    let leap: Element;
    let leapt = 0; // leap = leapt · element
    return (count) => {
      const half = Math.ceil(count / 2); // each lane takes one half
      if (half !== leapt) [leap, leapt] = [times(element, half), half];
      const middle = next.add(leap);
      const entry = REGION + POINT * (half + 1);
      const steps = entry + ENTRY;
      machine.reserve(steps - REGION + 16 * half + 32);
      machine.words.set([STEP.store, entry, STEP.end, 0], steps / 4);
      machine.setAccumulator(limbsIn(element));
      machine.walk(steps);
      for (let i = 0; i < half; i++) {
        machine.words.set([STEP.emit, 0, entry, entry], steps / 4 + 4 * i);
      }
      machine.words[steps / 4 + 4 * half] = STEP.end;
      machine.setAccumulator(limbsIn(next), limbsIn(middle));
      machine.walk(steps, 0, 0, REGION + POINT);
      next = count === 2 * half ? wrap(machine.accumulator(1)) : next.add(times(element, count));
      return codec.keysInRegion(half, count);
    };
  };
}
