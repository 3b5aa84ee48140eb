import { assertEquals } from "@std/assert";
import { gaussian, secureRng, seededRng } from "lib/math/rng.ts";
import { selfSigned } from "lib/net/certificate.ts";
import type { Connection } from "lib/net/connection.ts";
import { listen } from "lib/net/server.ts";
import { connect } from "lib/net/websocket.ts";
import { Aggregator } from "lib/protocol/sfedv/aggregator.ts";
import { Authority } from "lib/protocol/sfedv/authority.ts";
import { trainPlain } from "lib/protocol/sfedv/in_process.ts";
import { type LinearTerms, toSamples } from "lib/protocol/sfedv/linear.ts";
import { openSession, takePart } from "lib/protocol/sfedv/party.ts";
import { permitted } from "../../tools/fixtures.ts";

Deno.test({
  name: "takePart() over TLS and training in the clear end in the same weights, bit for bit",
  ignore: !permitted,
  async fn() {
    const terms: LinearTerms = {
      ...{ n: 2, count: 3, batch: 2, epochs: 2, learningRate: 0.1 },
      ...{ featureBits: 4, weightBits: 6, boundX: 2 ** 7, boundY: 2 ** 5 },
    };
    const x = Array.from({ length: 3 }, (_, i) => gaussian(seededRng(i), 2));
    const u = toSamples(terms, x, [2, -2, 2]);
    const { cert, key } = selfSigned(["127.0.0.1"]);
    const listening = (token: string, serve: (connection: Connection) => Promise<string>) => {
      const onConnection = async (connection: Connection) => void await serve(connection);
      const { url, close } = listen({ cert, key, token, onConnection });
      return { open: () => connect(url, { token, caCert: cert }), close };
    };
    const keys = new Authority();
    const authority = listening("to the authority", (connection) => keys.serve(connection));
    const opening = await authority.open();
    const { aggregator: token, parties } = await openSession(opening, terms, [0, 2]);
    const trains = new Aggregator({ terms, token, authority: authority.open });
    const aggregator = listening("to the aggregator", (connection) => trains.serve(connection));
    const maskSecret = secureRng().bytes(32);
    const learned = await Promise.all([[0, 2], [2, 4]].map(async ([from, to], i) => {
      const connections = {
        authority: await authority.open(),
        aggregator: await aggregator.open(),
      };
      const invitation = { terms, token: parties[i], maskSecret, from, to };
      const columns = u.map((row) => row.subarray(from, to));
      const weights = await takePart(connections, invitation, columns);
      connections.authority.close();
      connections.aggregator.close();
      return weights;
    }));
    opening.close();
    await Promise.all([aggregator.close(), authority.close()]);
    const { weights } = await trainPlain(terms, u);
    assertEquals(learned, [weights, weights]);
  },
});
