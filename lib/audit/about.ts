/** What was audited and how it was taken, in lines.
 * @module */
import type { Cast } from "./cast.ts";
import { FEW } from "./material.ts";
import type { SubjectLines } from "./findings.ts";
import { shapeText } from "./measure.ts";
import type { Subject } from "./subject.ts";

/** The subject in lines of name and value. @param cast of the training made; null for a recorded one. */
export function subjectLines(subject: Subject, cast: Cast | null): SubjectLines {
  const { scheme, layer, convolution, hidden, samples, publicSamples, run, epochs, sigma } =
    subject;
  const line = (name: string, value: string | null): [string, string][] =>
    value === null ? [] : [[name, value]];
  const made = run === null && cast !== null && convolution === null;
  return [
    ...line("scheme", scheme),
    ...line(
      "first layer",
      layer &&
        `${
          convolution ? "convolution" : "dense"
        }, ${layer.hidden} × ${layer.n}, scale 2^${layer.scaleBits}`,
    ),
    ...line("units of trainings", layer === null && run === null ? String(hidden) : null),
    ...line(
      "samples",
      samples &&
        `${samples.count}, ${shapeText(samples.shape)}${
          samples.labelled ? "" : ", without labels"
        }`,
    ),
    ...line(
      "public samples",
      publicSamples
        ? String(publicSamples.count)
        : cast?.publics && scheme !== "cryptonn"
        ? `${cast.publics.count} of the samples, every second of a class`
        : null,
    ),
    ...line(
      "training",
      made ? `${cast.attacked.count} private samples, ${epochs} visits each` : null,
    ),
    ...line("noise", scheme === "mitig3" && made ? `σ ${sigma}` : null),
    ...line(
      "run",
      run && `recorded: ${run.view.steps.length} steps, ${run.view.units} numbers a visit`,
    ),
  ];
}

/** What the numbers do not say by themselves. */
export function notesOf(
  { scheme, run, samples, layer, convolution }: Subject,
  cast: Cast | null,
): string[] {
  return [
    ...layer !== null && scheme === "cryptonn"
      ? [
        "z1 is computed in the clear, in the integers that decryption yields (notebook 01 holds them equal).",
      ]
      : [],
    ...run === null && scheme === "cryptonn" && convolution === null
      ? [
        "Batches and visits are those of a training from random weights of your width, in the integers of the encrypted one; your own weights stand behind the attacks on single samples.",
      ]
      : [],
    ...run === null && scheme === "mitig1"
      ? [
        "The training was made in the integers of the encrypted one, group operations omitted (notebook 02).",
      ]
      : [],
    ...samples !== null && !samples.labelled && run === null && convolution === null
      ? ["The samples have no labels: those of the training are made up, in ten classes."]
      : [],
    ...cast !== null && convolution === null && samples !== null &&
        cast.attacked.count < samples.count
      ? [`A training takes ${cast.attacked.count} of your ${samples.count} samples.`]
      : [],
    ...run === null && cast !== null && cast.attacked.count > FEW &&
        (scheme === "mitig1" || scheme === "mitig2")
      ? [
        `Inner products are those of a training of ${FEW} samples: the cost of their attacks is cubic.`,
      ]
      : [],
    "An attack that fails proves nothing: another may do better.",
  ];
}
