/** A measurement runs at least so long. */
const MEASURE_SECONDS = 0.08;

/** Seconds that `run` takes: the median of many runs, so that what else the machine does now and then is left
 * out. The first warms up. */
export function secondsOf(run: () => void): number {
  run();
  const seconds: number[] = [];
  for (let total = 0; total < MEASURE_SECONDS || seconds.length < 3;) {
    const start = performance.now();
    run();
    seconds.push((performance.now() - start) / 1000);
    total += seconds[seconds.length - 1];
  }
  return seconds.sort((a, b) => a - b)[seconds.length >> 1];
}
