/** The Worker of `decryptAll`.
 * @module */
import { serveJobs } from "../../workers/pool.ts";
import { decryptJob } from "./decrypt.ts";

serveJobs(decryptJob);
