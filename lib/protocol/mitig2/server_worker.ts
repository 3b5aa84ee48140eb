/** A server of MITIG2 in a Worker, see net/hosted.ts.
 * @module */
import { serveHosted } from "../../net/hosted.ts";
import { serve } from "./server.ts";

serveHosted(serve);
