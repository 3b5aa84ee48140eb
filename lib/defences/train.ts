/** One training under any defence, by name: MITIG2 and mitig3 by their real parties, the others in one process.
 * @module */
import type { SplitDataset } from "../data/dataset.ts";
import { DESCENT } from "../nn/optimizer.ts";
import { NARROW } from "../protocol/mitig3/terms.ts";
import {
  type DefenceName,
  DEFENCES,
  isNarrow,
  NARROW_NOISES,
  type NarrowName,
} from "./defences.ts";
import { watchMitig2 } from "./mitig2.ts";
import { watchMitig3 } from "./mitig3.ts";
import { type DefendedOptions, type DefendedRun, trainDefended } from "./split.ts";

/** Trains under a defence, in DESCENT's setting or mitig3's own.
 * @throws as the parties, {@linkcode trainDefended}. */
export function trainUnder(
  name: DefenceName | NarrowName,
  data: SplitDataset,
  { epochs, ...common }: Omit<DefendedOptions, "defence" | "setting"> & { readonly epochs: number },
): Promise<DefendedRun> {
  if (isNarrow(name)) {
    const setting = { ...NARROW, epochs };
    return watchMitig3(data, { ...common, sigma: NARROW_NOISES[name], setting });
  }
  const setting = { ...DESCENT, epochs };
  return name === "sigmoid"
    ? watchMitig2(data, { ...common, setting })
    : trainDefended(data, { ...common, setting, defence: DEFENCES[name] });
}
