/** `deno task audit`: what a network, images or a recorded training of the user's own leak, and the smallest change that
 * stops it, as one page, one JSON file and an exit status.
 * @module */
import { audit } from "../audit/audit.ts";
import { AUDIT_FLAGS, type AuditConfig, checkConfig, SECONDS } from "../audit/config.ts";
import example from "../audit/example.yaml" with { type: "text" };
import { auditReport, writeAudit } from "../audit/files.ts";
import { readSubject } from "../audit/read_subject.ts";
import { auditText } from "../audit/text.ts";
import { checkWritable } from "../data/write_atomic.ts";
import { runStep } from "../notebook/run.ts";
import { fromCaller, runCommand, stopSignal, UsageError, type Values } from "./args.ts";
import { readConfig } from "./config.ts";

const command = {
  name: "audit",
  summary: `Audits what a training under functional encryption or a split one leaks of your samples.

Every attack that applies is run on your own model and samples, or on what a server task recorded; for each that
finds something, the smallest change that stops it is searched. CONFIG is a JSON or YAML file with the flags below as
keys, paths in it relative to the file; flags win.

Exit status: 0 nothing was recovered, 1 leaks were found, 2 it could not run or no attack came to its end, 130 it was
stopped.`,
  rest: "[CONFIG]",
  failure: 2,
  flags: {
    ...AUDIT_FLAGS,
    example: { type: "switch", help: "print a commented CONFIG and do nothing else" },
  },
} as const;

/** Flags and what the file says beside them. A switch that is not given says nothing. */
async function configOf(
  { example: _, ...flags }: Values<typeof command.flags>,
  rest: readonly string[],
): Promise<AuditConfig> {
  if (rest.length > 1) throw new UsageError(`one CONFIG at most: got ${rest.join(", ")}`);
  const file = rest.length === 1 ? await readConfig(fromCaller(rest[0]), AUDIT_FLAGS) : {};
  const given = Object.fromEntries(
    Object.entries(flags).filter(([, value]) => value !== undefined && value !== false),
  );
  return checkConfig({ ...file, ...given });
}

await runCommand(command, async (flags, rest) => {
  if (flags.example) {
    console.log(example.trimEnd());
    return 0;
  }
  const config = await configOf(flags, rest);
  const { out, json, seconds = SECONDS } = config;
  if (out !== undefined) await checkWritable(out);
  const { signal } = stopSignal();
  try {
    const { subject, notes } = await readSubject(config, (line) => console.error(line));
    for (const line of notes) console.error(line);
    const found = await runStep(
      "audit",
      ({ onProgress, ...on }) =>
        audit(subject, {
          ...{ ...on, seconds, insecureSeed: config["insecure-seed"] },
          onProgress: (done, total) => onProgress(Math.floor(100 * done / total), 100),
        }),
      { signal },
    );
    const all = { ...found, notes: [...notes, ...found.notes] };
    if (out !== undefined) await writeAudit(out, all);
    console.log(json ? JSON.stringify(auditReport(all), null, 2) : auditText(all, out ?? null));
    return all.verdict.leaks ? 1 : all.verdict.decided ? 0 : 2;
  } catch (error) {
    if (!signal.aborted) throw error;
    console.error("audit: stopped, nothing was written");
    return 130;
  }
});
