/** What the commands of a protocol of two parties have in common on their command lines.
 *
 * Secrets come from the system's CSPRNG. `--insecure-seed` is the only way to a run that repeats: no variable of
 * the environment and no file takes its place, and its name and number stand in every result.
 * @module */
import { type Rng, secureRng, seededRng } from "../math/rng.ts";

const IDENTITY = { type: "path", placeholder: "DIR", default: "data/tls" } as const;
const INSECURE_SEED = { type: "integer", min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const SEED_WARNING = "no secret then, and never the same number on both sides, or each " +
  "knows what the other drew";

/** The flags of a server that keeps nothing. */
export const listenFlags = {
  hostname: {
    type: "text",
    placeholder: "ADDRESS",
    default: "127.0.0.1",
    help: "address to listen at; 0.0.0.0 is every IPv4 address of this machine",
  },
  port: { type: "integer", min: 0, max: 65_535, default: 8443, help: "0 takes a free one" },
  host: {
    type: "text",
    placeholder: "NAME[,NAME]",
    help: "names or addresses that clients call this machine by, beside localhost: they are " +
      "written into the certificate when it is made",
  },
  identity: {
    ...IDENTITY,
    help: "where cert.pem, key.pem and token are, made there at first use",
  },
  "insecure-seed": {
    ...INSECURE_SEED,
    help: `draw the server's weights from this seed, for a run that repeats: ${SEED_WARNING}`,
  },
} as const;

/** The flags of a server that keeps models. @param protocol names its directory under `data/`. */
export const serverFlags = (protocol: string) => ({
  ...listenFlags,
  directory: {
    type: "path",
    placeholder: "DIR",
    default: `data/${protocol}/server`,
    help: "where the checkpoints and models of all sessions are kept",
  },
} as const);

/** The flags of a client that keeps nothing, beside those that say what it trains. */
export const connectFlags = {
  url: {
    type: "text",
    placeholder: "URL",
    default: "wss://localhost:8443",
    help: "where the server listens",
  },
  identity: {
    ...IDENTITY,
    help: "where the server's cert.pem and token are; on another machine, copies of the two",
  },
  "insecure-seed": {
    ...INSECURE_SEED,
    help: `draw W1, and any order of the images, from this seed: ${SEED_WARNING}`,
  },
  json: { type: "switch", help: "print one JSON object and nothing else on stdout" },
} as const;

/** The flags of a client that keeps its training. @param protocol names its directory under `data/`. */
export const clientFlags = (protocol: string) => ({
  ...connectFlags,
  directory: {
    type: "path",
    placeholder: "DIR",
    default: `data/${protocol}/client`,
    help: "where the checkpoints and the model are kept",
  },
  fresh: { type: "switch", help: "discard an unfinished training that is kept there" },
  predict: {
    type: "switch",
    help: "classify the test images with the finished model instead of training",
  },
} as const);

/** The CSPRNG, unless the user asked for the other in so many words. */
export function rngOf(options: { "insecure-seed"?: number }): Rng {
  const insecureSeed = options["insecure-seed"];
  return insecureSeed === undefined ? secureRng() : seededRng(insecureSeed);
}
