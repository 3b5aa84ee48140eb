/** No process ends by a signal: whatever a Worker or the process is at when it is stopped.
 * @module */
import { assertEquals } from "@std/assert";

const states = await Promise.all(
  (["read", "run", "env", "ffi"] as const).map((name) => Deno.permissions.query({ name })),
);
const ignore = !states.every(({ state }) => state === "granted");

const STATUS = { terminate: 0, throw: 1, exit: 3 };

for (
  const [where, how, end] of [
    ["worker", "sync", "terminate"],
    ["worker", "async", "terminate"],
    ["worker", "sync", "exit"],
    ["worker", "async", "throw"],
    ["main", "async", "exit"],
    ["main", "async", "throw"],
  ] as const
) {
  Deno.test({
    name: `${end} while the ${where} thread multiplies, ${how}, ends the process well`,
    ignore,
    fn: async () => {
      const file = new URL("./blas_ends_program.ts", import.meta.url).pathname;
      const ends = await Promise.all([1, 2, 3].map(() =>
        new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--quiet", file, where, how, end],
          ...{ stdout: "null", stderr: "null" },
        }).output()
      ));
      for (const { code, signal } of ends) {
        assertEquals({ code, signal }, { code: STATUS[end], signal: null });
      }
    },
  });
}
