/** The Worker of `decryptAll`.
 * @module */
import { serveJobs } from "../../attack/worker_pool.ts";
import { decryptJob } from "./decrypt.ts";

serveJobs(decryptJob);
