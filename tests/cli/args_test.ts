import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { helpText, parseCommand, UsageError } from "lib/cli/args.ts";

const command = {
  name: "demo",
  summary: "Shows the flags.",
  flags: {
    json: { type: "switch", help: "print JSON" },
    profile: { type: "choice", choices: ["quick", "full"], default: "quick", help: "how much" },
    only: { type: "text", placeholder: "01", help: "one notebook" },
    images: { type: "integer", min: 1, max: 10, default: 5, help: "how many" },
  },
} as const;

Deno.test("parseCommand() gives defaults, and typed values where given", () => {
  const absent = parseCommand(command, []);
  assertEquals(absent.values, { json: false, profile: "quick", only: undefined, images: 5 });
  const given = parseCommand(command, [
    "--json",
    "--profile=full",
    "--only",
    "01",
    "--images",
    "7",
  ]);
  assertEquals(given.values, { json: true, profile: "full", only: "01", images: 7 });
  const profile: "quick" | "full" = given.values.profile;
  assertEquals([profile, given.help, given.rest], ["full", false, []]);
});

Deno.test("parseCommand() refuses what does not fit, naming it", () => {
  const cases: [string[], string][] = [
    [["--fast"], "unknown flag --fast"],
    [["--file=a"], "unknown flag --file: did you mean --profile?"],
    [["--proFile"], "unknown flag --proFile: did you mean --profile?"],
    [["--only"], "--only needs a value"],
    [["--only", "--json"], "--only needs a value"],
    [["--json=yes"], "--json takes no value"],
    [["--profile", "slow"], '--profile must be one of quick, full: got "slow"'],
    [["--images", "0"], '--images must be an integer in [1, 10]: got "0"'],
    [["--images", "2.5"], 'got "2.5"'],
    [["--images", ""], 'got ""'],
    [["--json", "--json"], "--json is given twice"],
    [["extra"], 'unexpected argument "extra"'],
    [["--constructor"], "unknown flag --constructor"],
  ];
  for (const [args, message] of cases) {
    assertThrows(() => parseCommand(command, args), UsageError, message);
  }
});

Deno.test("parseCommand() takes positional arguments only where declared, and negative values", () => {
  const open = { ...command, rest: "[files]" };
  assertEquals(parseCommand(open, ["a.ts", "--", "--b"]).rest, ["a.ts", "--b"]);
  const signed = {
    ...command,
    flags: { at: { type: "integer", min: -5, max: 5, help: "" } },
  } as const;
  assertEquals(parseCommand(signed, ["--at", "-3"]).values.at, -3);
});

Deno.test("helpText() lists every flag with its default", () => {
  assertEquals(parseCommand(command, ["--help"]).help, true);
  const text = helpText(command);
  for (const part of ["--profile quick|full", "(default: 5)", "--only 01", "deno task demo"]) {
    assertStringIncludes(text, part);
  }
});
