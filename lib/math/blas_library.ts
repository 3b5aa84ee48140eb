/** Which native BLAS is used: `FE_BLAS`, or what the loader finds.
 * @module */
import { type Native, openNative } from "./blas_native.ts";

const NAMES: Record<string, string[]> = {
  darwin: ["/System/Library/Frameworks/Accelerate.framework/Accelerate"],
  linux: [
    ...["libopenblas.so.0", "libopenblas.so", "libblis.so.4", "libblis.so"],
    ...["libmkl_rt.so.2", "libmkl_rt.so"],
  ],
};

/** The library, or why there is none. */
export function findLibrary(): Native | string {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "FE_BLAS" });
  const wanted = state === "granted" ? Deno.env.get("FE_BLAS") : undefined;
  if (wanted === "off") return "FE_BLAS=off";
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return "no permission for FFI";
  }
  if (wanted) return openNative(wanted);
  for (const name of NAMES[Deno.build.os] ?? []) {
    try {
      return openNative(name);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }
  return "no library found";
}
