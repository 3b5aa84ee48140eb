/** What an audit comes to, in a sentence, and what would stop it.
 * @module */
import type { Scheme } from "../attack/training/view.ts";
import { numberText } from "../plot/theme.ts";
import type { AttackFinding, Audit, Change } from "./findings.ts";
import { LEAKS_FROM } from "./measure.ts";
import { ONE_SAMPLE } from "./one_sample.ts";

const lower = (text: string) => text[0].toLowerCase() + text.slice(1);

const titles = (of: readonly { title: string }[]) => of.map(({ title }) => lower(title)).join(", ");

const leaks = ({ outcome }: AttackFinding) => outcome === "recovered" || outcome === "likeness";

/** Of test accuracy: a loss from which a change is called dear. */
const DEAR = 0.1;

/** What stops what was found, in a sentence. A change of scheme or noise was held to all attacks on it; a narrower layer
 * is advised only where each leaking attack on single samples has one. */
function adviceOf(attacks: readonly AttackFinding[]): string {
  const leaking = attacks.filter(leaks);
  if (leaking.length === 0) return "";
  const whole = leaking.flatMap(({ change }) => change ?? [])
    .find(({ kind }) => kind === "scheme" || kind === "sigma");
  if (whole !== undefined) {
    const { accuracy } = whole.cost;
    const [now, then] = [accuracy?.now ?? 0, accuracy?.then ?? 0];
    const price = then < now - DEAR ? ", at a high price" : "";
    const cost = accuracy === null
      ? "one training"
      : `one training each, test accuracy ${numberText(100 * now, 3)} → ${
        numberText(100 * then, 3)
      } %`;
    return `What stopped all that was found${price}: ${whole.what} (${cost}).`;
  }
  const single = leaking.filter(({ name }) => name in ONE_SAMPLE);
  const widths = single.flatMap(({ change }) => change ?? []);
  const answered = widths.length > 0 && widths.length === single.length;
  const [narrowest] = widths.toSorted((a, b) => widthOf(a) - widthOf(b));
  const open = answered ? leaking.filter((one) => !single.includes(one)) : leaking;
  return [
    ...answered ? [`What stopped the attacks on single samples: ${narrowest.what}.`] : [],
    ...open.length === 0 ? [] : [`No change was found that stops ${titles(open)}.`],
  ].join(" ");
}

/** Units or filters of the widest layer that stopped an attack: trials are widest first. */
const widthOf = ({ trials }: Change) => parseInt(trials.find(({ stops }) => stops)!.setting);

/** The verdict of some attacks, what got furthest first.
 * @param about.count of the private samples; null where nobody has them. */
export function verdictOf(
  attacks: readonly AttackFinding[],
  notTried: Audit["notTried"],
  about: { readonly kind: Audit["kind"]; readonly scheme: Scheme; readonly count: number | null },
): Audit["verdict"] {
  const best = attacks[0];
  const verdict = (
    sentence: string,
    { attack, ...rest }: { leaks: boolean; decided: boolean; attack?: AttackFinding },
  ) => ({
    ...rest,
    ...{ sentence, advice: adviceOf(attacks) },
    attack: attack !== undefined && attack.pairs.length > 0 ? attack.name : null,
  });
  if (best !== undefined && leaks(best)) {
    const how = best.outcome === "recovered"
      ? recoveredText(best, about)
      : likenessText(best, about.kind);
    const bound = best.name === "decoder-named"
      ? "; it was told which sample is which, as this server is not: an upper bound"
      : "";
    const sentence = `${how}, by ${lower(best.title)}${bound}.`;
    return verdict(sentence, { leaks: true, decided: true, attack: best });
  }
  const estimates = attacks.filter(({ outcome }) => outcome === "unmeasured");
  if (estimates.length > 0) {
    return verdict(
      `Undecided: ${titles(estimates)} gave estimates that nobody could hold to the truth; ` +
        "give the private samples (--images-from) and their order (--names).",
      { leaks: false, decided: false, attack: estimates[0] },
    );
  }
  const by = (outcome: AttackFinding["outcome"]) =>
    titles(attacks.filter((a) => a.outcome === outcome));
  const [tried, failed, late] = [by("nothing"), by("failed"), by("out of time")];
  const beyond = about.scheme === "cryptonn" ? "Nothing found" : "Nothing beyond the labels found";
  const parts = [
    tried === "" ? "Undecided: no attack came to its end" : `${beyond}. Tried: ${tried}`,
    ...late === "" ? [] : [`Out of time: ${late}; give more (--seconds)`],
    ...failed === "" ? [] : [`Could not run: ${failed}`],
    `Not tried: ${notTried.map(({ attack }) => lower(attack)).join(", ")}`,
  ];
  const attack = attacks.find(({ pairs }) => pairs.length > 0);
  return verdict(`${parts.join(". ")}.`, { leaks: false, decided: tried !== "", attack });
}

function nounOf(kind: Audit["kind"], count: number): string {
  const noun = kind === "image" ? "image" : "row";
  return count === 1 ? noun : `${noun}s`;
}

function recoveredText(
  { counts: { attacked, exact, certified } }: AttackFinding,
  { kind, count }: { readonly kind: Audit["kind"]; readonly count: number | null },
): string {
  const got = exact ?? certified;
  const noun = nounOf(kind, attacked);
  const of = count !== null && attacked < count ? ` that were tried, of ${count},` : "";
  const which = got < attacked
    ? `${got} of ${attacked} private ${noun}${of} ${got === 1 ? "is" : "are"}`
    : attacked === 1
    ? `The one private ${noun}${of} is`
    : `Every one of the ${attacked} private ${noun}${of} is`;
  const grain = kind === "table" ? ", to 1/255 of each column's range" : "";
  const sure = certified === 0
    ? ""
    : certified === got
    ? ", certified without the truth"
    : `, ${certified} of them certified without the truth`;
  return `${which} recovered exactly${grain}${sure}`;
}

function likenessText({ numbers, sentence }: AttackFinding, kind: Audit["kind"]): string {
  const leakage = Number(numbers["leakage, share of the way to exact"] ?? 0);
  const columns = Number(numbers["columns right in each row"] ?? 0);
  if (leakage >= LEAKS_FROM) {
    return `Likenesses of the private ${nounOf(kind, 2)} are drawn, ${
      numberText(100 * leakage, 2)
    } % of the way ` +
      `from what the attacker had anyway to the exact ${nounOf(kind, 2)}`;
  }
  return columns > 0
    ? `${columns} ${columns === 1 ? "column" : "columns"} of the private rows recovered exactly`
    : `More than the labels shows. ${sentence.replace(/\.$/, "")}`;
}
