/** The listening parties as commands: `deno task mitig1:server`, `mitig2:server`, `mitig3:server`,
 * `cryptonn:authority`, `cryptonn:server`, `he:server`, `sfedv:authority`, `sfedv:aggregator`. Certificate and token, a
 * line of log for whatever happens, any number of clients, an orderly end.
 * @module */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { writeAtomic } from "../data/write_atomic.ts";
import type { Rng } from "../math/rng.ts";
import { Checkpoints } from "../net/checkpoints.ts";
import { type Connection, plainText } from "../net/connection.ts";
import { type Identity, loadOrCreateIdentity } from "../net/identity.ts";
import { listen, type ListenOptions } from "../net/server.ts";
import { Authority } from "../protocol/cryptonn/authority.ts";
import * as cryptonn from "../protocol/cryptonn/server.ts";
import * as he from "../protocol/he/server.ts";
import * as mitig1 from "../protocol/mitig1/server.ts";
import * as mitig2 from "../protocol/mitig2/server.ts";
import * as mitig3 from "../protocol/mitig3/server.ts";
import * as sfedv from "../protocol/sfedv/authority.ts";
import { Trainings } from "../protocol/sfedv/trainings.ts";
import { encodeView } from "../protocol/recorded_view.ts";
import {
  cryptonnRecorder,
  mitig1Recorder,
  mitig2Recorder,
  mitig3Recorder,
  type Recorder,
} from "../protocol/recorder.ts";
import { runCommand, stopSignal, type Values } from "./args.ts";
import {
  authorityFlags,
  dial,
  identityFlag,
  type Place,
  placeOf,
  rngOf,
  seedFlag,
} from "./party.ts";

const listenFlags = (port: number) => ({
  hostname: {
    type: "text",
    placeholder: "ADDRESS",
    default: "127.0.0.1",
    help: "address to listen at; 0.0.0.0 is every IPv4 address of this machine",
  },
  port: { type: "integer", min: 0, max: 65_535, default: port, help: "0 takes a free one" },
  host: {
    type: "text",
    placeholder: "NAME[,NAME]",
    help: "names or addresses that clients call this machine by, beside localhost: they are " +
      "written into the certificate when it is made",
  },
  identity: identityFlag("where cert.pem, key.pem and token are, made there at first use"),
} as const);
const serverFlags = {
  ...listenFlags(8443),
  "insecure-seed": seedFlag("the server's weights"),
} as const;
const workersFlag = {
  workers: {
    type: "integer",
    min: 0,
    max: 1024,
    help: "threads that decrypt, for each client (default: the machine's cores)",
  },
} as const;
const recordFlag = {
  record: {
    type: "path",
    placeholder: "DIR",
    help: "keep what this server sees of each training, DIR/TIME.safetensors, for " +
      "deno task attack --run: z1, labels and dz1 of every visit, as an attacker would",
  },
} as const;
const cores = navigator.hardwareConcurrency;

const summary = (task: string, what: string, keeps: string) =>
  `${what}

Serves any number of clients, one after the other or at once, until Ctrl-C. On one machine the
others find certificate and token by themselves. For others on another machine start it with
  deno task ${task} --hostname 0.0.0.0 --host this-machine.example
and copy cert.pem and token (never key.pem) to the same directory there. ${keeps}`;
const KEEPS_NOTHING = `A model lives as long as its client's
connection: nothing is kept, and an interrupted training begins anew.`;

function log(line: string): void {
  console.log(`${new Date().toISOString()} ${plainText(line)}`);
}

/** Lines about peers that were refused, in a span of time; how many more there were is one line at its end. */
const REFUSALS = 5;
const REFUSALS_MS = 10_000;

/** Logs that somebody was refused. Anybody can be, as often as they like, and a log is not to fill a disk. */
function refusalLog(): (line: string) => void {
  let count = 0;
  return (line) => {
    if (count++ === 0) {
      setTimeout(() => {
        if (count > REFUSALS) log(`${count - REFUSALS} more were refused`);
        count = 0;
      }, REFUSALS_MS);
    }
    if (count <= REFUSALS) log(line);
  };
}

/** The identity, for all the given names. @throws {Error} the certificate is there already and lacks one. */
async function identityFor(directory: string, hosts: readonly string[]): Promise<Identity> {
  const identity = await loadOrCreateIdentity(directory, hosts);
  const cert = new X509Certificate(identity.cert);
  const missing = hosts.find((host) => !(isIP(host) ? cert.checkIP(host) : cert.checkHost(host)));
  if (missing !== undefined) {
    throw new Error(
      `Cannot use ${directory}/cert.pem: it is not for ${missing}; remove ${directory} for a new one`,
    );
  }
  return identity;
}

function listenOrSay(options: ListenOptions) {
  try {
    return listen(options);
  } catch (cause) {
    const { message } = cause as Error;
    const where = `${options.hostname}:${options.port}`;
    throw new Error(`Cannot listen at ${where}: ${message}`, { cause });
  }
}

/** What a party is given for one client. */
interface Serving {
  readonly rng: Rng;
  readonly onEvent: (line: string) => void;
}

/** Serves a client, and keeps what was seen of its training where the user asked for it.
 * @param serve is given the option `observe` then. */
async function recorded<Observe>(
  { record }: { readonly record?: string },
  recorder: () => Recorder<Observe>,
  serve: (observe: Observe | undefined) => Promise<string>,
): Promise<string> {
  if (record === undefined) return await serve(undefined);
  const { observe, view } = recorder();
  const reason = await serve(observe);
  try {
    const seen = view();
    const name = `${new Date().toISOString().replaceAll(":", "-")}.safetensors`;
    if (seen !== null) {
      await writeAtomic(record, { [name]: encodeView(seen) }, { secret: true });
      log(`recorded ${record}/${name}`);
    }
  } catch (error) {
    log((error as Error).message);
  }
  return reason;
}

/** Listens until SIGINT or SIGTERM; a second one does not wait for the clients.
 * @param draws whether it draws weights.
 * @param serve serves one client, and says why it ended.   @returns the exit status. */
async function run(
  options: Omit<Values<typeof serverFlags>, "insecure-seed"> & { "insecure-seed"?: number },
  serve: (connection: Connection, serving: Serving) => Promise<string>,
  draws = true,
): Promise<number> {
  const place = options.identity;
  const identity = await identityFor(place, options.host?.split(",") ?? []);
  const { signal } = stopSignal(() => log("stopping"));
  const logRefusal = refusalLog();
  const listener = listenOrSay({
    ...{ hostname: options.hostname, port: options.port, ...identity },
    async onConnection(connection) {
      const { peer } = connection;
      log(`${peer} connected`);
      const reason = await serve(connection, {
        rng: rngOf(options),
        onEvent: (line) => log(`${peer} ${line}`),
      });
      log(`${peer} ended: ${reason.replace(`Cannot receive from ${peer}: `, "")}`);
    },
    onFault(peer, error) {
      const { message } = error as Error;
      logRefusal(`${peer} refused: ${message.replace(`Cannot accept ${peer}: `, "")}`);
    },
  });
  log(`listening at ${listener.url}${draws ? `, weights from ${rngOf(options).source}` : ""}`);
  log(`clients need ${place}/cert.pem and ${place}/token`);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  await listener.close();
  log("stopped");
  return 0;
}

/** Serves a client with connections to the authority, which end with it. @param serve is given how to open one. */
async function withAuthority(
  place: Place,
  serve: (authority: () => Promise<Connection>) => Promise<string>,
): Promise<string> {
  const ends: (() => Promise<void>)[] = [];
  const reason = await serve(async () => {
    const { connection, hangUp } = await dial(place);
    ends.push(hangUp);
    return connection;
  });
  await Promise.all(ends.map((end) => end()));
  return reason;
}

const [name, ...args] = Deno.args;
switch (name) {
  case "mitig1:server": {
    const what =
      `Trains on images that it only has encrypted, with a first layer that it has not at all
(function-hiding encryption): it decrypts z1 and returns dz1.`;
    const flags = { ...workersFlag, ...serverFlags, ...recordFlag };
    const command = { name, summary: summary(name, what, KEEPS_NOTHING), flags };
    await runCommand(
      command,
      ({ workers = cores, ...options }) =>
        run(
          options,
          (connection, serving) =>
            recorded(options, mitig1Recorder, (observe) =>
              mitig1.serve(connection, { ...serving, workers, observe })),
        ),
      args,
    );
    break;
  }
  case "mitig2:server":
  case "mitig3:server": {
    const protocol = name === "mitig2:server" ? "mitig2" : "mitig3";
    const [what, weights] = {
      mitig2: [
        "Trains the later layers for clients that keep their images and W1 (split learning).",
        "b1, W2, b2",
      ],
      mitig3: [
        `Trains the last layer for clients that keep their images and all other layers, and send short
codes with noise (a narrow, noisy split).`,
        "A, b",
      ],
    }[protocol];
    const keeps = `It keeps, for every
session, DIR/SESSION/epoch-K.safetensors of the last three epochs and model.safetensors: ${weights}.`;
    const directory = {
      type: "path",
      placeholder: "DIR",
      default: `data/${protocol}/server`,
      help: "where the checkpoints and models of all sessions are kept",
    } as const;
    const flags = { ...serverFlags, directory, ...recordFlag };
    await runCommand({ name, summary: summary(name, what, keeps), flags }, (options) => {
      // a session is in hexadecimal, which the server has made from bytes
      const checkpoints = (session: string) => new Checkpoints(`${options.directory}/${session}`);
      return run(
        options,
        (connection, serving) =>
          protocol === "mitig2"
            ? recorded(
              options,
              mitig2Recorder,
              (observe) => mitig2.serve(connection, { ...serving, checkpoints, observe }),
            )
            : recorded(
              options,
              mitig3Recorder,
              (observe) => mitig3.serve(connection, { ...serving, checkpoints, observe }),
            ),
      );
    }, args);
    break;
  }
  case "cryptonn:authority": {
    const what =
      `Holds the master keys of CryptoNN: gives clients public keys to encrypt with, and servers a
functional key for each row of W1 and of dz1, which it sees.`;
    const keeps = `Keys live as long as
the connection of the client that they were set up for.`;
    const command = { name, summary: summary(name, what, keeps), flags: listenFlags(8444) };
    const authority = new Authority();
    await runCommand(
      command,
      (options) => run(options, (one, { onEvent }) => authority.serve(one, { onEvent }), false),
      args,
    );
    break;
  }
  case "cryptonn:server": {
    const what =
      `Trains on images that it only has encrypted (CryptoNN): it owns the network, decrypts z1 and dW1
with keys that it asks the authority for, and learns more than it should. Start
deno task cryptonn:authority first.`;
    const flags = { ...workersFlag, ...serverFlags, ...recordFlag, ...authorityFlags };
    const command = { name, summary: summary(name, what, KEEPS_NOTHING), flags };
    await runCommand(command, async ({ workers = cores, authority, ...options }) => {
      const place = await placeOf("cryptonn:authority", authority, options["authority-identity"]);
      return await run(
        options,
        (client, serving) =>
          withAuthority(
            place,
            (authority) =>
              recorded(options, cryptonnRecorder, (observe) =>
                cryptonn.serve(client, { ...serving, workers, authority, observe })),
          ),
      );
    }, args);
    break;
  }
  case "sfedv:authority": {
    const what =
      `Holds the secrets of a training on vertically split samples (quadratic encryption): gives each party those
of its columns, and the aggregator keys for the gradient of a batch under a model, which it sees.`;
    const keeps = `Secrets live as
long as the connection of the party that opened the training.`;
    const flags = {
      "most-visits": {
        type: "integer",
        min: 1,
        max: 2 ** 20,
        help:
          "gradients of one batch that it grants at most; give fewer than the smallest batch has samples: " +
          "from B visits a batch of B, at most features + 1, follows exactly (default: any number)",
      },
      ...listenFlags(8444),
    } as const;
    await runCommand({ name, summary: summary(name, what, keeps), flags }, (options) => {
      const authority = new sfedv.Authority({ mostVisits: options["most-visits"] });
      return run(options, (one) => authority.serve(one), false);
    }, args);
    break;
  }
  case "sfedv:aggregator": {
    const what =
      `Trains a linear model on vertically split samples that it only has encrypted (quadratic encryption): it
decrypts the gradient of each batch, with keys that it asks the authority for, and nothing else. From
small batches seen often the samples follow all the same. Start deno task sfedv:authority first.`;
    const flags = { ...workersFlag, ...listenFlags(8443), ...authorityFlags };
    const keeps = `A training lives as
long as the connection of the party that opened it: nothing is kept.`;
    const command = { name, summary: summary(name, what, keeps), flags };
    await runCommand(command, async ({ workers = cores, authority, ...options }) => {
      const place = await placeOf("sfedv:authority", authority, options["authority-identity"]);
      const trainings = new Trainings();
      return await run(
        options,
        (party, { onEvent }) =>
          withAuthority(
            place,
            (authority) => trainings.serve(party, { authority, workers, onEvent }),
          ),
        false,
      );
    }, args);
    break;
  }
  case "he:server": {
    const what =
      `Computes gradients on ciphertexts (CKKS, homomorphic encryption): it has the data, the labels and the
weights encrypted only, and returns gradients that only the client can decrypt.`;
    const command = { name, summary: summary(name, what, KEEPS_NOTHING), flags: listenFlags(8443) };
    await runCommand(
      command,
      (options) => run(options, (one, { onEvent }) => he.serve(one, { onEvent }), false),
      args,
    );
    break;
  }
  default:
    console.error(`party_server: no party is called ${name}`);
    Deno.exit(2);
}
