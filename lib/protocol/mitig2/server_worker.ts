/** A server of MITIG2 in a Worker, see protocol/hosted.ts.
 * @module */
import { serveHosted } from "../hosted.ts";
import { serve } from "./server.ts";

serveHosted(serve);
