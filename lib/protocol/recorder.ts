/** An honest but curious server's notebook of one client, as a view that attacks take and a file keeps.
 *
 * The server of a split training is not told the images' shape: theirs are taken for 28 × 28 grey ones, and an attack
 * may say otherwise. In CryptoNN and MITIG1 the number of pixels is agreed on, and taken for a square.
 * @module */
import type { Shape } from "../attack/priors.ts";
import type { TrainingView } from "../attack/training/view.ts";
import type { RecordedView } from "./recorded_view.ts";
import type { ServerOptions as CryptonnOptions } from "./cryptonn/server.ts";
import type { ServerOptions as Mitig1Options } from "./mitig1/server.ts";
import type { ServerOptions as Mitig2Options } from "./mitig2/server.ts";
import type { ServerOptions as Mitig3Options } from "./mitig3/server.ts";
import { cryptonnView, mitig1View, mitig2View, mitig3View } from "./training_views.ts";

/** What a server's option `observe` takes, and what has been seen so far. */
export interface Recorder<Observe> {
  readonly observe: Observe;
  /** null before the first step. @throws as `trainingView`. */
  view(): RecordedView | null;
}

type Observe<Options extends { observe?: unknown }> = NonNullable<Options["observe"]>;

const DIGIT: Shape = [28, 28, 1];

/** [1, n, 1] where n is no square. */
function squareOf(n: number): Shape {
  const side = Math.round(Math.sqrt(n));
  return side * side === n ? [side, side, 1] : [1, n, 1];
}

const named = (count: number) => Array.from({ length: count }, (_, c) => String(c));

/** Keeps what is seen and the terms that it was seen under. */
function keep<Seen, Terms>(
  view: (seen: readonly Seen[], terms: Terms) => TrainingView,
  countOf: (terms: Terms) => number,
) {
  const seen: Seen[] = [];
  let last: Terms | undefined;
  return {
    add(one: Seen, terms: Terms) {
      seen.push(one);
      last = terms;
    },
    view: () => last === undefined ? null : { ...view(seen, last), count: countOf(last) },
  };
}

const countOf = ({ count }: { readonly count: number }) => count;

/** For CryptoNN's server. */
export function cryptonnRecorder(): Recorder<Observe<CryptonnOptions>> {
  type Seen = Parameters<Observe<CryptonnOptions>>;
  const kept = keep<Seen[0], Seen[3]>(
    (records, { terms: { n, classes, ...terms }, labels }) =>
      cryptonnView(records, { shape: squareOf(n), classes: named(classes) }, { ...terms, labels }),
    ({ terms }) => terms.count,
  );
  return {
    observe: (record, _step, _net, training) => kept.add(record, training),
    view: kept.view,
  };
}

/** For MITIG1's server. */
export function mitig1Recorder(): Recorder<Observe<Mitig1Options>> {
  type Seen = Parameters<Observe<Mitig1Options>>;
  const kept = keep<Seen[0], Seen[1]>(
    (seen, { n, classes, ...terms }) =>
      mitig1View(seen, { shape: squareOf(n), classes: named(classes) }, terms),
    countOf,
  );
  return { observe: kept.add, view: kept.view };
}

/** For MITIG2's server. */
export function mitig2Recorder(): Recorder<Observe<Mitig2Options>> {
  type Seen = Parameters<Observe<Mitig2Options>>;
  const kept = keep<Seen[0], Seen[1]>(
    (seen, terms) => mitig2View(seen, { shape: DIGIT, classes: named(terms.classes) }, terms),
    countOf,
  );
  return { observe: kept.add, view: kept.view };
}

/** For mitig3's server. */
export function mitig3Recorder(): Recorder<Observe<Mitig3Options>> {
  type Seen = Parameters<Observe<Mitig3Options>>;
  const kept = keep<Seen[0], Seen[1]>(
    (seen, terms) => mitig3View(seen, { shape: DIGIT, classes: named(terms.classes) }, terms),
    countOf,
  );
  return { observe: kept.add, view: kept.view };
}
