/** The baby steps of the discrete logarithm: a hash table from the keys of ±1·g … ±m·g to 1 … m.
 *
 * Open addressing in one Uint32Array of [fingerprint, index] pairs, at most half full: 16 MB for the
 * default of 2^20 entries. A key covers ±i at once (`Group.keys`). A fingerprint has 32 of the key's 52
 * bits, so a lookup only proposes: whoever asks checks the proposal in the group.
 * @module */
import type { Element, Group } from "./group.ts";

/** Multiples ±1·g … ±entries·g of a group's generator, by key. */
export interface DlogTable {
  readonly entries: number;
  /** slots × [fingerprint, index]; index 0 marks an empty slot. */
  readonly data: Uint32Array;
}

/** 16 MB, 5 s to build, and a range of 2^28 needs at most 128 giant steps each way. */
const MAX_ENTRIES = 2 ** 20;
/** Elements normalised with one inversion. */
const BATCH = 1024;

/** Table size for |z| ≤ bound: 64·√bound, a power of two, so that a small range builds in no time and
 * ranges from 2^28 on get the largest table. */
export function tableEntries(bound: number): number {
  const wanted = Math.min(bound, 64 * Math.sqrt(bound), MAX_ENTRIES);
  return 2 ** Math.round(Math.log2(Math.max(wanted, 16)));
}

/** Words of a table's `data`: two per slot, two slots per entry. */
export function tableWords(entries: number): number {
  return 4 * entries;
}

const LOW = 2 ** 26; // a 52-bit key is two halves of 26 bits

function slotOf(key: number, slots: number): number {
  return (key % LOW) & (slots - 1);
}

/** 26 high bits and the 6 highest of the low half: with the slot, all of the key for 2^21 slots. */
function fingerprintOf(key: number): number {
  return ((Math.floor(key / LOW) << 6) | ((key % LOW) >>> 20)) >>> 0;
}

/** Builds a table; yields the number of entries done after each batch, so that the driver can report
 * progress, pause or stop. */
export function* buildTable(group: Group, entries: number): Generator<number, DlogTable> {
  const data = new Uint32Array(tableWords(entries));
  const slots = data.length / 2;
  let element = group.generator;
  for (let done = 0; done < entries;) {
    const batch: Element[] = [];
    for (let i = Math.min(BATCH, entries - done); i > 0; i--) {
      batch.push(element);
      element = element.add(group.generator);
    }
    for (const key of group.keys(batch)) {
      let slot = slotOf(key, slots);
      while (data[2 * slot + 1] !== 0) slot = (slot + 1) & (slots - 1);
      data[2 * slot] = fingerprintOf(key);
      data[2 * slot + 1] = ++done;
    }
    yield done;
  }
  return { entries, data };
}

/** The index i that `accept` confirms among those whose fingerprint matches the key; −1 if none. */
export function lookup(
  { data }: DlogTable,
  key: number,
  accept: (index: number) => boolean,
): number {
  const slots = data.length / 2;
  const fingerprint = fingerprintOf(key);
  for (let slot = slotOf(key, slots); data[2 * slot + 1] !== 0; slot = (slot + 1) & (slots - 1)) {
    if (data[2 * slot] === fingerprint && accept(data[2 * slot + 1])) return data[2 * slot + 1];
  }
  return -1;
}
