import { assertEquals } from "@std/assert";
import { seededRng, uniform } from "lib/math/rng.ts";
import type { Requests } from "lib/net/requests.ts";
import { decodeMessage, encodeMessage } from "lib/net/wire.ts";
import { initialUpper } from "lib/nn/mlp.ts";
import { AUTHORS, learningRateAt, MODERN } from "lib/nn/optimizer.ts";
import { localUpper } from "lib/nn/train.ts";
import { UpperLayers } from "lib/nn/upper_layers.ts";
import { remoteUpper, ServerStep } from "lib/protocol/mitig2/step.ts";
import { newSessionKey } from "lib/protocol/mitig2/terms.ts";

/** The client's half and the server's, with nothing but encoded messages between them. */
const between = (server: ServerStep) => ({
  ask: async (type: string, fields: Parameters<typeof encodeMessage>[1]) => {
    const request = decodeMessage(encodeMessage(type, fields), type);
    const answer = type === "z1" ? await server.forward(request) : server.backward(request);
    return decodeMessage(encodeMessage(answer.type, answer.fields), answer.type);
  },
} as unknown as Requests);

Deno.test("remoteUpper() with ServerStep gives dz1, loss and weights of localUpper(), to the last bit", async () => {
  const sizes = { n: 1, hidden: 4, classes: 3 };
  const rng = seededRng(1);
  const draw = (length: number) => Float32Array.from({ length }, () => 4 * uniform(rng) - 2);
  const parts = Array.from({ length: 4 }, (_, k) => ({
    z1: draw(k % 2 === 0 ? 12 : 8),
    labels: Uint8Array.from(k % 2 === 0 ? [0, 2, 1] : [1, 1]),
  }));
  for (const base of [AUTHORS, MODERN]) {
    for (const labels of ["server", "client"] as const) {
      const setting = { ...base, epochs: 1, batch: 5 };
      const terms = { ...sizes, sessionKey: newSessionKey(), count: 10, labels, setting };
      const weights = initialUpper(sizes, base.initial, seededRng(2));
      using here = new UpperLayers(weights, setting);
      using there = new UpperLayers(weights, setting);
      const server = new ServerStep(terms, there, 0);
      const [local, remote] = [localUpper(here, setting), remoteUpper(between(server), terms)];
      for (const [k, part] of parts.entries()) {
        const learningRate = learningRateAt(setting, Math.floor(k / 2), 2);
        const close = k % 2 === 1 ? { images: 5, learningRate } : undefined;
        assertEquals(
          await remote.step({ ...part, close }),
          await local.step({ ...part, close }),
        );
      }
      assertEquals(there.state(), here.state());
      server.checkEndOf(1);
    }
  }
});
