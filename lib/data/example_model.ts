/** A model that nobody here made: the tiny face detector of face-api, as its package carries it.
 *
 * Its first layer is a convolution of 16 filters of 3 × 3 over colour, stride 1, no padding; weights in bytes, with
 * scale and minimum, behind a bare manifest of tfjs. MIT licence: Vincent Mühler's face-api.js, kept up by Vladimir
 * Mandic. `deno run -A lib/data/example_model.ts` puts it under `data/cache/` and prints where.
 * @see https://github.com/vladmandic/face-api
 * @module */
import { fileURLToPath } from "node:url";
import { packageFile } from "./package_file.ts";
import { writeAtomic } from "./write_atomic.ts";

const PACKAGE = "@vladmandic/face-api@1.7.15";
const FOLDER = new URL("../../data/cache/tiny-face-detector/", import.meta.url);

/** The manifest names the shard, so both keep their names. */
const FILES = {
  "tiny_face_detector_model-weights_manifest.json":
    "5d1af4849ac48d5b985f4a9b16010c512353ddd6fcc63d50fd0bc9e9e64296e5",
  "tiny_face_detector_model.bin":
    "b7503ce7df31039b1c43316a9b865cab6a70dd748cc602d3fa28b551503c3871",
};

/** Fetches the face detector if it is not there yet, each file checked against its pinned SHA-256.
 * @param onProgress called with a line of text before each file is fetched.
 * @returns the path of its manifest, for `--weights`.
 * @throws {DataError} no network and not cached, another digest than the pinned one, or no permission to fetch. */
export async function exampleModel(onProgress?: (message: string) => void): Promise<string> {
  const contents: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const [name, sha256] of Object.entries(FILES)) {
    contents[name] = await packageFile(PACKAGE, `model/${name}`, {
      sha256,
      size: "13 MB",
      onProgress,
    });
  }
  const folder = fileURLToPath(FOLDER);
  await writeAtomic(folder, contents);
  return folder + Object.keys(FILES)[0];
}

if (import.meta.main) console.log(await exampleModel((message) => console.error(message)));
