/** A small problem and two parties in this process. */
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { train, type TrainOptions } from "lib/protocol/mitig1/client.ts";
import { serve, type ServerOptions } from "lib/protocol/mitig1/server.ts";
import { DEFAULT_SCALES, type FixedNet, initFixedNet } from "lib/protocol/fixed_net.ts";
import { inProcess } from "lib/net/connection.ts";

const rng = seededRng(1);

/** Noise with one bright row of pixels, which is the class; the first image is blank. */
export const data = dataset({
  name: "bars",
  x: Uint8Array.from(
    rng.bytes(8 * 9),
    (byte, i) => i < 9 ? 0 : (byte >> 3) + (Math.floor(i % 9 / 3) === (i / 9 >> 0) % 3 ? 150 : 0),
  ),
  y: Uint8Array.from({ length: 8 }, (_, i) => i % 3),
  shape: [3, 3, 1],
  classes: ["top", "middle", "bottom"],
});

/** Coarser than the default, so that logarithms are near. */
export const scales = { ...DEFAULT_SCALES, weightBits: 7, weightBound: 2 ** 10 };
export const options = { hidden: 3, batch: 4, epochs: 2, learningRate: 1, scales };

/** The net that the parties of `trainBoth` draw. */
export const initialNet = (): FixedNet =>
  initFixedNet({ n: 9, hidden: 3, classes: 3 }, scales, seededRng(2), seededRng(3));

/** Trains with a client and a server of the given options, the connection left open. */
export async function trainBoth(
  client: Partial<TrainOptions> = {},
  server: ServerOptions = {},
) {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3), ...server });
  try {
    const model = await train(ours, data, { ...options, rng: seededRng(2), ...client });
    return {
      model,
      async finish() {
        ours.close();
        return await ended;
      },
    };
  } catch (error) {
    ours.close(String(error));
    await ended;
    throw error;
  }
}
