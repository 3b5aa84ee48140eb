/** A server of MITIG1 in a Worker, see net/hosted.ts; it decrypts over Workers of its own.
 * @module */
import { serveHosted } from "../../net/hosted.ts";
import { serve } from "./server.ts";

const workers = navigator.hardwareConcurrency;

serveHosted((connection, options) => serve(connection, { ...options, workers }));
