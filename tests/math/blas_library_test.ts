/** What keeps a library from use, and how that is said, each in a process of its own.
 * @module */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { systemFunctions } from "lib/math/blas_system.ts";

const states = await Promise.all(
  (["read", "write", "run", "env", "ffi"] as const).map((name) => Deno.permissions.query({ name })),
);
const permitted = states.every(({ state }) => state === "granted");
const compiler = permitted && Deno.build.os === "linux" && await exists("cc");

async function exists(command: string): Promise<boolean> {
  try {
    const args = ["--version"];
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

const here = (file: string) => new URL(file, import.meta.url).pathname;

/** Runs the program; what it says on stdout and stderr, line by line. */
async function program(
  env: Record<string, string>,
  { flags = ["-A"], args = [] }: { flags?: string[]; args?: string[] } = {},
) {
  const { stdout, stderr, signal } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, here("./blas_program.ts"), ...args],
    env: { FE_BLAS: "", FE_BLAS_TRIED: "", ...env },
  }).output();
  assertEquals(signal, null);
  const lines = (bytes: Uint8Array) =>
    new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "");
  return { out: lines(stdout), errors: lines(stderr) };
}

/** Compiles the small BLAS. */
async function compile(file: string, ...flags: string[]): Promise<void> {
  const args = ["-shared", "-fPIC", "-O1", "-w", "-o", file, ...flags];
  const { success, stderr } = await new Deno.Command("cc", {
    args: [...args, here("./blas_small.c"), "-lm"],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "blas-test-" });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name: "a library that is right is used, with LAPACK or without",
  ignore: !compiler,
  fn: () =>
    inDirectory(async (directory) => {
      for (const flags of [[], ["-DWITH_LAPACK"]]) {
        const file = `${directory}/small${flags.length}.so`;
        await compile(file, ...flags);
        const { out, errors } = await program({ FE_BLAS: file });
        assertEquals(out, [`small${flags.length}.so, one thread a call true`]);
        assertEquals(errors, []);
      }
    }),
});

const FAULTS: Record<string, [flags: string[], said: RegExp]> = {
  "that crashes at load": [["-DFAULT=CRASH_AT_LOAD"], /ends its process by SIGABRT/],
  "that crashes in a call": [["-DFAULT=CRASH_IN_CALL"], /ends its process by SIGSEGV/],
  "with 64-bit integers": [["-DINTEGER=long"], /takes 64-bit integers/],
  "that multiplies wrongly": [["-DFAULT=WRONG_PRODUCT"], /gives a wrong product \(cblas_sgemm/],
  "that multiplies wrongly when there is much": [
    ["-DFAULT=WRONG_WHEN_LARGE"],
    /gives a wrong product \(cblas_sgemm, 70 × 50 × 400\)/,
  ],
  "that factors wrongly": [
    ["-DWITH_LAPACK", "-DFAULT=WRONG_FACTOR"],
    /factors a matrix that is not positive definite \(dpotrf_/,
  ],
  "that solves wrongly": [["-DFAULT=WRONG_SOLUTION"], /solves a triangle wrongly \(cblas_dtrsm/],
  "that lacks a function": [["-DWITHOUT_FORTRAN"], /does not load \(.*ddot_/],
};

for (const [what, [flags, said]] of Object.entries(FAULTS)) {
  Deno.test({
    name: `FE_BLAS=FILE ${what} is an error that says so`,
    ignore: !compiler,
    fn: () =>
      inDirectory(async (directory) => {
        const file = `${directory}/small.so`;
        await compile(file, ...flags);
        const { out, errors } = await program({ FE_BLAS: file });
        assertMatch(out[0], said);
        assertStringIncludes(out[0], `Cannot use FE_BLAS=${file}`);
        assertEquals([out.length, errors], [1, []]);
      }),
  });
}

Deno.test({
  name: "FE_BLAS=FILE that is no library, or not there, is an error",
  ignore: !permitted,
  fn: async () => {
    const text = await program({ FE_BLAS: here("./blas_small.c") });
    assertMatch(text.out[0], /^Cannot use FE_BLAS=\S+: \S+ does not load \(/);
    const nothing = await program({ FE_BLAS: "/nowhere/libblas.so" });
    assertMatch(nothing.out[0], /libblas\.so is not there\. FE_BLAS=off goes without$/);
  },
});

Deno.test({
  name: "a search passes over libraries that cannot be used, and one line says so",
  ignore: !compiler,
  fn: () =>
    inDirectory(async (directory) => {
      const at = (name: string) => `${directory}/${name}`;
      await compile(at("libopenblas.so.0"), "-DFAULT=CRASH_AT_LOAD");
      await compile(at("libopenblas.so"), "-DINTEGER=long");
      await compile(at("libblis.so.4"));
      const good = await program({ LD_LIBRARY_PATH: directory }, { args: ["again"] });
      assertEquals(good.out, Array(3).fill("libblis.so.4, one thread a call true"));
      assertEquals(good.errors.length, 1, `${good.errors}`); // not again in Worker and child
      assertMatch(
        good.errors[0],
        /^Products of matrices go through libblis\.so\.4: libopenblas\.so\.0 ends its process by SIGABRT; libopenblas\.so takes 64-bit integers/,
      );
      for (const name of ["libblis.so.4", "libblis.so", "libmkl_rt.so.2", "libmkl_rt.so"]) {
        await Deno.copyFile(at("libopenblas.so"), at(name));
      }
      const none = await program({ LD_LIBRARY_PATH: directory });
      assertMatch(
        none.out[0],
        /^WebAssembly \(libopenblas\.so\.0 ends its process by SIGABRT;.* true$/,
      );
      assertMatch(none.errors[0], /^Products of matrices go through WebAssembly: /);
    }),
});

Deno.test({
  name: "a library that has changed since its trial is tried again",
  ignore: !compiler,
  fn: () =>
    inDirectory(async (directory) => {
      const file = `${directory}/small.so`;
      await compile(file);
      const { size, mtime } = await Deno.stat(file);
      const tried = {
        wanted: file,
        name: file,
        file,
        stamp: `${size} ${mtime!.getTime()}`,
        why: "",
      };
      const env = { FE_BLAS: file, FE_BLAS_TRIED: JSON.stringify(tried) };
      await compile(file, "-DFAULT=CRASH_IN_CALL");
      await Deno.utime(file, mtime!, new Date(mtime!.getTime() + 5000));
      assertMatch((await program(env)).out[0], /ends its process by SIGSEGV/);
    }),
});

Deno.test({
  name: "FE_BLAS=off, and missing permissions, take WebAssembly; a denial is said",
  ignore: !permitted,
  fn: async () => {
    const off = await program({ FE_BLAS: "off" });
    assertEquals(off, { out: ["WebAssembly (FE_BLAS=off) true"], errors: [] });
    for (
      const [flags, why, aloud] of [
        [[], "no permission for FFI, --allow-ffi", false],
        [["--deny-ffi"], "no permission for FFI, --allow-ffi", true],
        [["--allow-env"], "no permission for FFI, --allow-ffi", true],
        [["--allow-ffi"], "no permission to try a library in a child process first", true],
      ] as const
    ) {
      const { out, errors } = await program({}, { flags: [...flags] });
      assertStringIncludes(out[0], `WebAssembly (${why}`);
      assertMatch(out[0], / true$/);
      assertEquals(errors.length, aloud ? 1 : 0, `${flags}: ${errors}`);
      if (aloud) assertStringIncludes(errors[0], why);
    }
    const denied = await program({ FE_BLAS: "libblas.so" }, { flags: ["--allow-env"] });
    assertMatch(denied.out[0], /^Cannot use FE_BLAS=libblas\.so: no permission for FFI/);
  },
});

Deno.test({
  name: "what a library was found to be does not make up for a permission, nor lack of one last",
  ignore: !compiler,
  fn: () =>
    inDirectory(async (directory) => {
      await compile(`${directory}/libopenblas.so.0`);
      const env = { LD_LIBRARY_PATH: directory };
      const by = "libopenblas.so.0, one thread a call true";
      const less = await program(env, { args: ["again", "--allow-env", "--allow-read"] });
      const without = "WebAssembly (no permission for FFI, --allow-ffi) true";
      assertEquals(less.out, [by, by, without]);
      assertEquals(less.errors.length, 1, `${less.errors}`);
      const flags = ["--allow-env", "--allow-run", "--allow-read"];
      const more = await program(env, { flags, args: ["again"] });
      assertEquals(more.out, [without, without, by]);
      assertEquals(more.errors.length, 1, `${more.errors}`); // not again in the Worker
      const some = [
        "--deny-ffi=/nowhere",
        `--allow-ffi=${directory}`,
        "--allow-env",
        "--allow-read",
      ];
      const part = await program(env, { args: ["again", ...some] });
      assertEquals([part.out.length, part.out[2].endsWith(" true")], [3, true]);
    }),
});

Deno.test({
  name: "FE_BLAS_TRIED that is none of ours, or that says what cannot be loaded, is no end",
  ignore: !permitted,
  fn: async () => {
    const flags = ["--allow-env", "--allow-ffi"]; // no trial of its own
    const broken = await program({ FE_BLAS_TRIED: "{" }, { flags });
    assertMatch(broken.out[0], /^WebAssembly \(no permission to try .* true$/);
    const gone = JSON.stringify({ wanted: "", name: "libnowhere.so", why: "" });
    const { out, errors } = await program({ FE_BLAS_TRIED: gone }, { flags });
    assertMatch(out[0], /^WebAssembly \(libnowhere\.so does not load \(.* true$/);
    assertEquals(errors.length, 1, `${errors}`);
  },
});

Deno.test({
  name: "a trial that does not come back is ended",
  ignore: !compiler,
  fn: () =>
    inDirectory(async (directory) => {
      const file = `${directory}/small.so`;
      await compile(file, "-DFAULT=HANGS_AT_LOAD");
      const trial = new URL("../../lib/math/blas_trial.ts", import.meta.url).pathname;
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", trial, "300", file],
      }).output();
      assertEquals(new TextDecoder().decode(stdout).trim().split("\n").map((x) => JSON.parse(x)), [
        { begin: file },
        { refused: "takes longer than 0.3 s", missing: false },
      ]);
    }),
});

Deno.test({
  name: "systemFunctions() takes the first file that has them, or null",
  ignore: !permitted || Deno.build.os !== "linux",
  fn: () => {
    assertEquals(systemFunctions(["/nowhere/libc.so.6"]), null);
    const found = systemFunctions(["/nowhere/libc.so.6", "libdl.so.2"]);
    if (Deno.build.target.includes("gnu")) assert(found !== null);
  },
});

Deno.test({
  name: "Workers that open a library at once leave the environment as it was",
  ignore: !compiler,
  fn: () =>
    inDirectory(async (directory) => {
      await compile(`${directory}/libopenblas.so.0`);
      for (const OMP_NUM_THREADS of ["3", "4"]) {
        const env = { LD_LIBRARY_PATH: directory, OMP_NUM_THREADS };
        const { out } = await program(env, { args: ["together"] });
        assertEquals([out.length, out.at(-1)], [6, OMP_NUM_THREADS]);
      }
    }),
});
