/** Keeps a library in this process until the process is gone, and memory that no thread takes along.
 *
 * A call goes on when its Worker is terminated, or when the process ends meanwhile. Without this each of three things
 * ended Deno by a segmentation fault, in up to nine of ten tries: arrays freed with their thread, a library unloaded
 * under the call, and the library's own clean-up at exit (OpenBLAS frees what a call is writing into).
 * @module */

/** Where the system's functions are; before glibc 2.34 libdl has what loads libraries, and brings the rest along. */
const SYSTEM: Record<string, string[]> = {
  linux: ["libc.so.6", "libdl.so.2"],
  darwin: ["libSystem.B.dylib"],
};

const SYMBOLS = {
  dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
  malloc: { parameters: ["usize"], result: "pointer" },
  /** glibc's: a function that exit() calls with its status. */
  on_exit: { parameters: ["pointer", "pointer"], result: "i32", optional: true },
} as const;

/** Resolve all symbols now. */
const RTLD_NOW = 2;

const name = (text: string) => new TextEncoder().encode(`${text}\0`);

/** Memory from `malloc`: that of a thread that ends stays, so that calls may go on in it. */
export interface Block {
  readonly start: NonNullable<Deno.PointerValue>;
  readonly bytes: number;
}

/** The system's functions, of the first file that has them all, or null.
 * @param files for tests. */
export function systemFunctions(files: readonly string[] = SYSTEM[Deno.build.os] ?? []) {
  for (const file of files) {
    try {
      return Deno.dlopen(file, SYMBOLS).symbols;
    } catch {
      // Not there, or an older one.
    }
  }
  return null;
}

/** Opens the library once more, for good, and lets `exit` end the process without clean-ups where it can.
 * @returns a source of memory, or null: a call must not run beside its thread here. */
export function keepLibrary(file: string): ((bytes: number) => Block) | null {
  const system = systemFunctions();
  if (system === null) return null;
  const { dlopen, dlsym, malloc, on_exit } = system;
  if (dlopen(name(file), RTLD_NOW) === null) return null;
  const end = dlsym(null, name("_exit"));
  if (end !== null) on_exit?.(end, null);
  return (bytes) => {
    const start = malloc(BigInt(bytes));
    if (start === null) throw new RangeError(`Cannot multiply: no memory for ${bytes} bytes`);
    return { start, bytes };
  };
}
