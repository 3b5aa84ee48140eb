/** What the tests start as a process: a runner of the 300 points on this machine, an owner of their
 * queue, or a worker, of the bench's points too. A line on stdout for every row; a worker's first line says
 * that it is ready. Arguments: role, options as JSON.
 * @module */
import { pointsOf } from "lib/sweep/grid.ts";
import { runOnRedis, serveSweeps } from "lib/sweep/queue.ts";
import { runSweep } from "lib/sweep/runner.ts";
import { SweepStore } from "lib/sweep/store.ts";
import { sweep } from "./probe.ts";
import { sweep as work } from "./work.ts";

const [role, json] = Deno.args;
const { path, url, busyMs = 0, workers = 1 } = JSON.parse(json);
const points = pointsOf(sweep, { busyMs: [busyMs] });
const onNotice = (message: string) => console.error(message);
const onProgress = (done: number) => done > 0 && console.log(done);

if (role === "worker") {
  const onPoint = () => console.log("point");
  const onReady = () => console.log("ready");
  const listen = { onPoint, onReady, onNotice };
  await serveSweeps([sweep, work], { url, workers, lockMs: 1000, ...listen });
} else {
  using store = new SweepStore(path);
  if (role === "runner") await runSweep(sweep, points, { store, workers, onProgress });
  else await runOnRedis(sweep, points, { store, url, onProgress, onNotice });
}
