/** `deno task worker`: takes points of sweeps from Redis, on any number of hosts, until it is stopped.
 * @module */
import { loadSweep, type Point, type Sweep, SWEEPS } from "../sweep/grid.ts";
import { serveSweeps } from "../sweep/queue.ts";
import { moduleOf, redisUrl, runCommand, stopSignal, UsageError } from "./args.ts";

const command = {
  name: "worker",
  summary: "Computes points of sweeps that deno task sweep --redis put on a Redis server.",
  flags: {
    redis: {
      type: "text",
      placeholder: "URL",
      help: "the server (default: REDIS_URL, where a password belongs)",
    },
    workers: {
      type: "integer",
      min: 1,
      max: 1024,
      help: "points at a time (default: the machine's cores)",
    },
  },
  rest: "[modules of one's own sweeps]",
} as const;

await runCommand(command, async ({ redis, workers }, modules) => {
  const url = redisUrl(redis);
  if (url === undefined) throw new UsageError("--redis or REDIS_URL is needed");
  const names = [...SWEEPS, ...modules.map(moduleOf)];
  const sweeps = await Promise.all(names.map(loadSweep)).catch((error) => {
    throw new UsageError(error.message);
  });
  let count = 0;
  const { signal } = stopSignal(() => console.error("finishing the points in hand"));
  const onReady = (address: string) =>
    console.error(`taking points of ${sweeps.map(({ name }) => name).join(", ")} from ${address}`);
  const onNotice = (message: string) => console.error(message);
  const onPoint = ({ name }: Sweep, point: Point, error?: string) => {
    count++;
    console.error(`${name} ${JSON.stringify(point)}${error === undefined ? "" : `: ${error}`}`);
  };
  await serveSweeps(sweeps, { url, workers, signal, onReady, onNotice, onPoint });
  console.error(`${count} points`);
  return 0;
});
