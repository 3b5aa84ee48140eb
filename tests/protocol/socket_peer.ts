/** One end of a connection in a process of its own, to be killed. Reads its options from stdin, says on stdout
 * that it is ready.
 * @module */
import { connect, listen } from "lib/protocol/websocket.ts";

const options = JSON.parse(await new Response(Deno.stdin.readable).text());
if (Deno.args[0] === "client") {
  const connection = await connect(options.url, { token: options.token, caCert: options.cert });
  console.log("connected");
  await connection.receive();
} else {
  const onConnection = () => new Promise<void>(() => {});
  console.log(listen({ ...options, onConnection }).url);
}
