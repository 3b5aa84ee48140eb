/** The baby steps of the discrete logarithm: a hash table from the keys of ±1·g … ±m·g to 1 … m.
 *
 * Open addressing in one Uint32Array of [fingerprint, index] pairs, at most half full: 16 MB for the
 * default of 2^20 entries. A key covers ±i at once (`Group.keys`). A fingerprint has 32 of the key's 52
 * bits, so a lookup only proposes: whoever asks checks the proposal in the group.
 *
 * A table of 2^20 entries takes a third of a second to build on the kernel of ristretto255, seconds without it, and
 * milliseconds to load. Large ones are kept on disk, under data/cache/, where this process may already read and write;
 * it asks for no permission. A file is written beside its place and renamed, so nobody sees half of it; it is checked
 * in full when loaded, and a file that fails is named, refused and replaced.
 * @module */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Group } from "./group.ts";

/** Multiples ±1·g … ±entries·g of a group's generator, by key. */
export interface DlogTable {
  readonly entries: number;
  /** slots × [fingerprint, index]; index 0 marks an empty slot. */
  readonly data: Uint32Array;
}

/** 16 MB, and a range of 2^28 needs at most 128 giant steps each way. */
const MAX_ENTRIES = 2 ** 20;
/** Elements normalised with one inversion. */
const BATCH = 1024;

/** Table size for |z| ≤ bound: 64·√bound, a power of two, so that a small range builds in no time and
 * ranges from 2^28 on get the largest table. */
export function tableEntries(bound: number): number {
  const wanted = Math.min(bound, 64 * Math.sqrt(bound), MAX_ENTRIES);
  return 2 ** Math.round(Math.log2(Math.max(wanted, 16)));
}

const LOW = 2 ** 26; // a 52-bit key is two halves of 26 bits

const slotOf = (key: number, slots: number) => (key % LOW) & (slots - 1);
/** 26 high bits and the 6 highest of the low half: with the slot, all of the key for 2^21 slots. */
const fingerprintOf = (key: number) => ((Math.floor(key / LOW) << 6) | ((key % LOW) >>> 20)) >>> 0;

/** Builds a table; yields the number of entries done after each batch, so that the driver can report
 * progress, pause or stop. */
export function buildTable(group: Group, entries: number): Generator<number, DlogTable> {
  return fillTable(entries, group.bulk?.multiplesKeys(group.generator) ?? plainKeys(group));
}

/** See `Bulk.multiplesKeys`. */
function plainKeys(group: Group): (count: number) => Float64Array {
  let element = group.generator;
  return (count) =>
    group.keys(Array.from({ length: count }, () => {
      const current = element;
      element = element.add(group.generator);
      return current;
    }));
}

/** Fills a table with the keys of ±1·g, ±2·g, …, as `next` gives them.
 * @param next the keys of that many further multiples. */
export function* fillTable(
  entries: number,
  next: (count: number) => Float64Array,
): Generator<number, DlogTable> {
  const data = new Uint32Array(4 * entries); // two words a slot, two slots an entry
  const slots = data.length / 2;
  for (let done = 0; done < entries;) {
    for (const key of next(Math.min(BATCH, entries - done))) {
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

/** Smaller tables build faster than they are worth keeping. */
const MIN_ENTRIES = 2 ** 18;
const MAGIC = "fe-dlog1";
/** magic (8), group id, entries (u32 each), SHA-256 of everything but itself, padding. */
const HEADER_BYTES = 64;
const DIGEST_AT = 16;
const DIRECTORY = `${import.meta.dirname}/../../data/cache`;

const granted = (name: "read" | "write", path: string) =>
  Deno.permissions.querySync({ name, path }).state === "granted";

/** Whose table it is. */
type Owner = Pick<Group, "name" | "id">;

const pathOf = (directory: string, group: Owner, entries: number) =>
  `${directory}/dlog-${group.name}-${entries}.bin`;

/** The file of a table. */
function fileOf(group: Owner, { entries, data }: DlogTable): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + data.byteLength);
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, group.id, true);
  view.setUint32(12, entries, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), HEADER_BYTES);
  bytes.set(createHash("sha256").update(bytes).digest(), DIGEST_AT);
  return bytes;
}

/** The table in the cache; null where there is none, none is allowed, or the file is damaged. */
export function loadTable(group: Owner, entries: number, directory = DIRECTORY): DlogTable | null {
  if (entries < MIN_ENTRIES || !granted("read", directory)) return null;
  const path = pathOf(directory, group, entries);
  let state = "truncated or corrupt";
  try {
    const bytes = Deno.readFileSync(path);
    if (bytes.length === HEADER_BYTES + 16 * entries) {
      const table = { entries, data: new Uint32Array(bytes.buffer, HEADER_BYTES) };
      if (Buffer.compare(fileOf(group, table), bytes) === 0) return table;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    state = error instanceof Error ? error.message : String(error);
  }
  console.warn(`Cannot load ${path}: ${state}; building the table again`);
  return null;
}

/** Keeps a table for the next process, where that is allowed and worth it. */
export function saveTable(group: Owner, table: DlogTable, directory = DIRECTORY): void {
  if (table.entries < MIN_ENTRIES || !granted("read", directory) || !granted("write", directory)) {
    return;
  }
  const path = pathOf(directory, group, table.entries);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    Deno.mkdirSync(directory, { recursive: true });
    Deno.writeFileSync(temporary, fileOf(group, table), { createNew: true });
    Deno.renameSync(temporary, path);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch { /* nothing was created */ }
    console.warn(`Cannot keep ${path}: ${error instanceof Error ? error.message : error}`);
  }
}
