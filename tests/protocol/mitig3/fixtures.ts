/** Two parties in this process, on the bars of MITIG2's tests. */
import { seededRng } from "lib/math/rng.ts";
import { inProcess } from "lib/net/connection.ts";
import { type ClientOptions, train } from "lib/protocol/mitig3/client.ts";
import { serve, type ServerOptions } from "lib/protocol/mitig3/server.ts";
import { NARROW, type NarrowSetting } from "lib/protocol/mitig3/terms.ts";
import { data } from "../mitig2/fixtures.ts";

export { data };

export const setting: NarrowSetting = { ...NARROW, epochs: 3, batch: 8, learningRate: 0.02 };
export const units = 6;

/** Trains with a client and a server of the given options; returns also why the server ended. */
export async function trainBoth(client: ClientOptions = {}, server: ServerOptions = {}) {
  const [ours, theirs] = inProcess();
  const ended = serve(theirs, { rng: seededRng(3), ...server });
  try {
    const model = await train(ours, data, { units, setting, insecureSeed: 2, ...client });
    ours.close();
    return { model, reason: await ended };
  } catch (error) {
    ours.close(String(error));
    await ended;
    throw error;
  }
}
