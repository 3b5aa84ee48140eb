/** `deno task mitig1:server`: the server of MITIG1 (protocol/mitig1/server.ts) for clients anywhere.
 * @module */
import { serve } from "../protocol/mitig1/server.ts";
import { runCommand } from "./args.ts";
import { listenFlags } from "./party_flags.ts";
import { runServer } from "./party_server.ts";

await runCommand(
  {
    name: "mitig1:server",
    summary: `Trains on images that it only has encrypted, with a first layer that it has not at all
(function-hiding encryption): it decrypts z1 and returns dz1.

Serves any number of clients, one after the other or at once, until Ctrl-C. On one machine the
client finds certificate and token by itself. For clients on another machine start it with
  deno task mitig1:server --hostname 0.0.0.0 --host this-machine.example
and copy cert.pem and token (never key.pem) to the same directory there. A model lives as long as its
client's connection: nothing is kept, and an interrupted training begins anew.`,
    flags: {
      workers: {
        type: "integer",
        min: 0,
        max: 1024,
        help: "threads that decrypt, for each client (default: the machine's cores)",
      },
      ...listenFlags,
    },
  },
  ({ workers = navigator.hardwareConcurrency, ...options }) =>
    runServer(options, (connection, serving) => serve(connection, { ...serving, workers })),
);
