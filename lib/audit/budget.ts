/** An audit's seconds, shared out among what is still to do: each part gets its weight's share of what is left, so that
 * one which ends early leaves more to those after it.
 * @module */

/** A part's time. */
export interface Slice {
  /** Aborts when the part's time is over, or when the audit is stopped. */
  readonly signal: AbortSignal;
  /** Seconds left to the part; 0 or less when it is over. */
  left(): number;
}

/** The seconds of one audit. */
export class Budget {
  readonly #end: number;
  readonly #start = performance.now();
  #weight = 0;

  /** @throws {RangeError} seconds that are not positive. */
  constructor(readonly seconds: number, private readonly stop?: AbortSignal) {
    if (!(seconds > 0 && Number.isFinite(seconds))) {
      throw new RangeError(`Cannot share out time: ${seconds} s is not positive`);
    }
    this.#end = this.#start + 1000 * seconds;
  }

  /** Says what is still to do, by its weights; what was planned before no longer counts. */
  plan(weights: readonly number[]): void {
    this.#weight = weights.reduce((sum, weight) => sum + weight, 0);
  }

  /** Seconds since the beginning. */
  get taken(): number {
    return (performance.now() - this.#start) / 1000;
  }

  /** Seconds to the end; 0 or less when it is over. */
  left(): number {
    return (this.#end - performance.now()) / 1000;
  }

  /** Begins the next part. @param weight one of those that were planned. */
  next(weight: number): Slice {
    const share = weight === 0 ? 0 : Math.min(1, weight / Math.max(weight, this.#weight));
    this.#weight -= weight;
    const end = performance.now() + 1000 * Math.max(0, this.left()) * share;
    const left = () => (end - performance.now()) / 1000;
    const over = AbortSignal.timeout(Math.max(1, Math.ceil(1000 * left())));
    return { signal: this.stop ? AbortSignal.any([over, this.stop]) : over, left };
  }
}

/** Runs work until its slice is over.
 * @returns null where the time was over first.   @throws what the work throws; the reason of the audit's own stop. */
export async function within<T>(
  slice: Slice,
  work: (signal: AbortSignal) => Promise<T>,
  stop?: AbortSignal,
): Promise<T | null> {
  stop?.throwIfAborted();
  if (slice.left() <= 0) return null;
  try {
    return await work(slice.signal);
  } catch (error) {
    stop?.throwIfAborted();
    if (slice.signal.aborted) return null;
    throw error;
  }
}
