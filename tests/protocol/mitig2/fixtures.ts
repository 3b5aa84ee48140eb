/** A small problem and two parties in this process. */
import { type Dataset, dataset, type SplitDataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import type { Setting } from "lib/nn/optimizer.ts";
import { MODERN } from "lib/nn/optimizer.ts";
import { type ClientOptions, train } from "lib/protocol/mitig2/client.ts";
import { serve, type ServerOptions } from "lib/protocol/mitig2/server.ts";
import { inProcess } from "lib/net/connection.ts";

const rng = seededRng(1);

/** Noise with one bright row of pixels, which is the class. */
function bars(name: string, count: number): Dataset {
  const y = Uint8Array.from({ length: count }, (_, i) => i % 3);
  const x = Uint8Array.from(
    rng.bytes(count * 9),
    (byte, i) => (byte >> 2) + (Math.floor(i % 9 / 3) === y[Math.floor(i / 9)] ? 150 : 0),
  );
  return dataset({ name, x, y, shape: [3, 3, 1], classes: ["top", "middle", "bottom"] });
}

export const data: SplitDataset = { train: bars("bars train", 50), test: bars("bars test", 20) };

export const setting: Setting = { ...MODERN, epochs: 3, batch: 8 };
export const hidden = 5;

/** Trains with a client and a server of the given options; returns also why the server ended. */
export async function trainBoth(client: ClientOptions = {}, server: ServerOptions = {}) {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3), ...server });
  try {
    const options = { hidden, setting, rng: seededRng(2), ...client };
    const model = await train(ours, data, options);
    ours.close();
    return { model, reason: await ended };
  } catch (error) {
    ours.close(String(error));
    await ended;
    throw error;
  }
}
