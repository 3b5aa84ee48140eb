/** What an audit comes to, in a sentence.
 * @module */
import { numberText } from "../plot/theme.ts";
import type { AttackFinding, Audit, Change } from "./findings.ts";

const lower = (text: string) => text[0].toLowerCase() + text.slice(1);

/** What stops all that was found, in a sentence. A change of scheme or noise is held to all attacks on it; a narrower
 * layer and fewer visits stop some. */
function adviceOf(attacks: readonly AttackFinding[]): string {
  const leaking = attacks.filter(({ outcome }) =>
    outcome === "recovered" || outcome === "likeness"
  );
  if (leaking.length === 0) return "";
  const changes = leaking.flatMap(({ change }) => change ?? []);
  const whole = changes.find(({ kind }) => kind === "scheme" || kind === "sigma");
  if (whole !== undefined) {
    const accuracy = whole.cost.accuracy;
    const cost = accuracy === null
      ? ""
      : ` (test accuracy ${numberText(100 * accuracy.now)} → ${numberText(100 * accuracy.then)} %)`;
    return `What stopped all that was found: ${whole.what}${cost}.`;
  }
  const narrowest = changes.filter(({ kind }) => kind === "width")
    .sort((a, b) => parseInt(widestOf(a)) - parseInt(widestOf(b)))[0];
  const open = leaking.filter(({ change }) => change?.kind !== "width");
  const parts = [
    ...narrowest === undefined
      ? []
      : [`What stopped the attacks on single samples: ${narrowest.what}`],
    ...open.length === 0
      ? []
      : [`no change was found that stops ${open.map(({ title }) => lower(title)).join(", ")}`],
  ];
  const text = parts.join("; ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

/** The setting of the trial that a change names. */
const widestOf = ({ trials }: Change) => trials.find(({ stops }) => stops)!.setting;

/** The verdict of some attacks, what got furthest first. */
export function verdictOf(
  attacks: readonly AttackFinding[],
  notTried: Audit["notTried"],
  { kind, scheme }: Pick<Audit, "kind" | "scheme">,
): Audit["verdict"] {
  const noun = (count: number) =>
    kind === "image" ? count === 1 ? "image" : "images" : count === 1 ? "row" : "rows";
  const best = attacks[0];
  const advice = adviceOf(attacks);
  const pictured = (finding: AttackFinding) => finding.pairs.length > 0 ? finding.name : null;
  const titles = (of: readonly { title: string }[]) =>
    of.map(({ title }) => lower(title)).join(", ");
  if (best?.outcome === "recovered") {
    const { attacked, exact, certified } = best.counts;
    const by = `by ${lower(best.title)}`;
    const got = exact ?? certified;
    const which = got === attacked
      ? attacked === 1
        ? "The one private " + noun(1)
        : `Every one of the ${attacked} private ${noun(attacked)}`
      : `${got} of ${attacked} private ${noun(attacked)}`;
    const verb = got === 1 || got === attacked ? "is" : "are";
    const sure = certified === 0
      ? ""
      : certified === got
      ? ", certified without the truth"
      : `, ${certified} of them certified without the truth`;
    return {
      leaks: true,
      advice,
      sentence: `${which} ${verb} recovered exactly${sure}, ${by}.`,
      attack: pictured(best),
    };
  }
  if (best?.outcome === "likeness") {
    const leakage = best.numbers["leakage, share of the way to exact"];
    const how = typeof leakage === "number"
      ? `Likenesses of the private ${noun(2)} are drawn, ${
        numberText(100 * leakage, 2)
      } % of the way from the mean of the class to the exact ${noun(2)}`
      : `More than the labels shows: ${lower(best.sentence).replace(/\.$/, "")}`;
    return {
      leaks: true,
      advice,
      sentence: `${how}, by ${lower(best.title)}.`,
      attack: pictured(best),
    };
  }
  const estimates = attacks.filter(({ outcome }) => outcome === "unmeasured");
  if (estimates.length > 0) {
    return {
      leaks: false,
      advice,
      sentence:
        `Undecided: ${titles(estimates)} gave estimates that nobody could hold to the truth; ` +
        "give the private samples (--images-from) and their order (--names).",
      attack: pictured(estimates[0]),
    };
  }
  const tried = attacks.filter(({ outcome }) => outcome === "nothing" || outcome === "failed");
  const late = attacks.filter(({ outcome }) => outcome === "out of time");
  const beyond = scheme === "cryptonn" ? "Nothing found" : "Nothing beyond the labels found";
  const pictures = attacks.find(({ pairs }) => pairs.length > 0);
  return {
    leaks: false,
    advice,
    sentence:
      (tried.length === 0 ? "Nothing was tried to its end" : `${beyond}. Tried: ${titles(tried)}`) +
      (late.length === 0 ? "" : `. Out of time: ${titles(late)}`) +
      `. Not tried: ${notTried.map(({ attack }) => lower(attack)).join(", ")}.`,
    attack: pictures?.name ?? null,
  };
}
