/** A Worker that is handed a port and sends back whatever comes over it.
 * @module */
import { portConnection } from "lib/net/connection.ts";

const scope = self as unknown as Worker; // the types of this file are those of the main thread
scope.onmessage = async ({ data: port }: MessageEvent<MessagePort>) => {
  const connection = portConnection(port, "main");
  while (true) await connection.send(await connection.receive());
};
