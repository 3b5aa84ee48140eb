/** `deno task mitig2:server`: the server of MITIG2 (protocol/mitig2/server.ts) for clients anywhere.
 * @module */
import { Checkpoints } from "../net/checkpoints.ts";
import { serve } from "../protocol/mitig2/server.ts";
import { runCommand } from "./args.ts";
import { serverFlags } from "./party_flags.ts";
import { runServer } from "./party_server.ts";

await runCommand({
  name: "mitig2:server",
  summary: `Trains the later layers for clients that keep their images and W1 (split learning).

Serves any number of clients, one after the other or at once, until Ctrl-C. On one machine the
client finds certificate and token by itself. For clients on another machine start it with
  deno task mitig2:server --hostname 0.0.0.0 --host this-machine.example
and copy cert.pem and token (never key.pem) to the same directory there. It keeps, for every
session, DIR/SESSION/epoch-K.safetensors of the last three epochs and model.safetensors: b1, W2, b2.`,
  flags: serverFlags("mitig2"),
}, (options) => {
  const directory = options.directory;
  // a session is in hexadecimal, which the server has made from bytes
  const checkpoints = (session: string) => new Checkpoints(`${directory}/${session}`);
  return runServer(
    options,
    (connection, serving) => serve(connection, { ...serving, checkpoints }),
  );
});
