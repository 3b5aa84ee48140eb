/** One end of a connection in a process of its own, to be timed or killed: a silent client, or a server that
 * sends back whatever comes. Reads its options from stdin, says on stdout that it is ready.
 * @module */
import { connect } from "lib/net/websocket.ts";
import { listen } from "lib/net/server.ts";

const options = JSON.parse(await new Response(Deno.stdin.readable).text());
if (Deno.args[0] === "client") {
  const connection = await connect(options.url, { token: options.token, caCert: options.cert });
  console.log("connected");
  await connection.receive();
} else {
  const { url } = listen({
    ...options,
    onConnection: async (connection) => {
      while (true) await connection.send(await connection.receive());
    },
  });
  console.log(url);
}
