import { assertEquals } from "@std/assert";
import { dataset } from "lib/data/dataset.ts";
import { seededRng } from "lib/math/rng.ts";
import { selfSigned } from "lib/net/certificate.ts";
import type { Connection } from "lib/net/connection.ts";
import { listen } from "lib/net/server.ts";
import { connect } from "lib/net/websocket.ts";
import { Authority } from "lib/protocol/cryptonn/authority.ts";
import { train } from "lib/protocol/cryptonn/client.ts";
import { trainEncrypted, trainPlain } from "lib/protocol/cryptonn/in_process.ts";
import { serve } from "lib/protocol/cryptonn/server.ts";
import type { FixedNet } from "lib/protocol/fixed_net.ts";
import { permitted } from "../../tools/fixtures.ts";

Deno.test({
  name: "train() over TLS, in one process and in the clear end in the same weights, bit for bit",
  ignore: !permitted,
  async fn() {
    const images = dataset({
      ...{ name: "noise", x: seededRng(6).bytes(6 * 4), y: Uint8Array.of(0, 1, 0, 1, 1, 0) },
      ...{ shape: [2, 2, 1], classes: ["a", "b"] },
    });
    const options = { hidden: 2, batch: 3, steps: 3, learningRate: 0.5, insecureSeed: 1 };
    const { cert, key } = selfSigned(["127.0.0.1"]);
    const listening = (token: string, serve: (connection: Connection) => Promise<string>) => {
      const onConnection = async (connection: Connection) => void await serve(connection);
      const { url, close } = listen({ cert, key, token, onConnection });
      return { open: () => connect(url, { token, caCert: cert }), close };
    };
    const keys = new Authority();
    const authority = listening("to the authority", (connection) => keys.serve(connection));
    let net: FixedNet | undefined;
    const server = listening("to the server", (connection) =>
      serve(connection, {
        ...{ rng: seededRng(1), authority: authority.open },
        observe: (_record, _step, after) => net = after,
      }));
    const connections = { authority: await authority.open(), server: await server.open() };
    await train(connections, images, options);
    await Promise.all([server.close(), authority.close()]);
    assertEquals(net, (await trainEncrypted(images, options)).net);
    assertEquals(net, (await trainPlain(images, options)).net);
  },
});
