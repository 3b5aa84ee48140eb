/** A server of encrypted training in a Worker, see net/hosted.ts.
 * @module */
import { serveHosted } from "../../net/hosted.ts";
import { serve } from "./server.ts";

serveHosted((connection) => serve(connection));
