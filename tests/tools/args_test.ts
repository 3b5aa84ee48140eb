import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join, resolve } from "node:path";
import { fromCaller, helpText, meant, parseCommand, UsageError } from "lib/tools/args.ts";
import { withoutPasswords } from "lib/data/package_file.ts";
import { tooOld } from "lib/tools/deno_version.ts";
import { ROOT } from "lib/tools/workspace.ts";
import { permitted } from "./fixtures.ts";

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

Deno.test({
  name: "parseCommand() takes several paths: all that follow up to the next flag",
  ignore: !permitted,
  fn() {
    const from = { type: "paths", placeholder: "PATH…", help: "" } as const;
    const own = {
      ...command,
      flags: { from, json: command.flags.json },
      rest: "[CONFIG]",
    } as const;
    const { values, rest } = parseCommand(own, ["a.yaml", "--from", "/x", "/y", "--json", "b"]);
    assertEquals([values.from, values.json, rest], [["/x", "/y"], true, ["a.yaml", "b"]]);
    assertEquals(parseCommand(own, ["--from=/x", "/y", "--", "c"]).rest, ["c"]);
    assertEquals(parseCommand(own, []).values.from, undefined);
    for (
      const [args, message] of [
        [["--from"], "--from needs a value"],
        [["--from", "/x", ""], "--from needs a value"],
        [["--from", "/x", "--from", "/y"], "--from is given twice"],
      ] as const
    ) {
      assertThrows(() => parseCommand(own, args), UsageError, message);
    }
  },
});

Deno.test("meant() is the only name that holds the letters, else the nearest", () => {
  const names = ["images-from", "public-from", "seconds", "insecure-seed", "grey"];
  const cases: [string, string | undefined][] = [
    ["imagesFrom", "images-from"],
    ["seed", "insecure-seed"],
    ["from", undefined], // two hold it
    ["secnods", "seconds"],
    ["gray", "grey"],
    ["g", undefined],
    ["resolution", undefined],
  ];
  for (const [name, expected] of cases) assertEquals(meant(name, names), expected, name);
  assertEquals(meant("seconds", []), undefined);
});

Deno.test("helpText() lists every flag with its default", () => {
  assertEquals(parseCommand(command, ["--help"]).help, true);
  assertEquals(parseCommand(command, ["--", "--help"]).help, true); // as npm wants it
  const text = helpText(command);
  for (const part of ["--profile quick|full", "(default: 5)", "--only 01", "deno task demo"]) {
    assertStringIncludes(text, part);
  }
});

Deno.test({
  name: "parseCommand() resolves paths from the user's folder, defaults from the workspace",
  ignore: !permitted,
  fn() {
    const store = {
      type: "path",
      placeholder: "FILE",
      default: "data/s.sqlite",
      help: "",
    } as const;
    const own = { ...command, flags: { store } };
    const parsed = (...args: string[]) => parseCommand(own, args).values.store;
    const [here, before] = [Deno.cwd(), Deno.env.get("INIT_CWD")];
    try {
      Deno.chdir(ROOT); // as deno task does
      Deno.env.set("INIT_CWD", join(ROOT, "notebooks"));
      assertEquals(parsed("--store", "mine.sqlite"), resolve(ROOT, "notebooks/mine.sqlite"));
      assertEquals(parsed("--store=../mine.sqlite"), resolve(ROOT, "mine.sqlite"));
      assertEquals(parsed("--store", "/tmp/mine.sqlite"), "/tmp/mine.sqlite");
      assertEquals(parsed(), resolve(ROOT, "data/s.sqlite"));
      assertThrows(() => parsed("--store="), UsageError, "--store needs a value");
      Deno.chdir(join(ROOT, "lib")); // a process that a task started elsewhere
      assertEquals(fromCaller("mine.npy"), resolve(ROOT, "lib/mine.npy"));
      Deno.chdir(ROOT);
      Deno.env.delete("INIT_CWD");
      assertEquals(fromCaller("mine.npy"), resolve(ROOT, "mine.npy"));
    } finally {
      Deno.chdir(here);
      if (before === undefined) Deno.env.delete("INIT_CWD");
      else Deno.env.set("INIT_CWD", before);
    }
    assertStringIncludes(helpText(own), "--store FILE");
    assertStringIncludes(helpText(own), "(default: data/s.sqlite)");
  },
});

Deno.test("withoutPasswords() leaves what stands before a URL's last @ out", () => {
  const cases = [
    ["at redis://:secret@host:6379: refused", "at redis://***@host:6379: refused"],
    ["redis://user:se@cr@t@host", "redis://***@host"],
    ["wss://a:b/c?d@host/path and https://x@y", "wss://***@host/path and https://***@y"],
    ["NPM: https://token@registry/x.tgz", "NPM: https://***@registry/x.tgz"],
    ["mail me@host, see https://host/a", "mail me@host, see https://host/a"],
  ];
  for (const [text, safe] of cases) assertEquals(withoutPasswords(text), safe);
});

Deno.test("tooOld() names the lowest version that runs the tasks", () => {
  const old = ["1.46.3", "2.3.0", "2.7.14"];
  for (const version of old) {
    assertStringIncludes(tooOld(version)!, `Cannot run on Deno ${version}: it takes 2.8 or newer`);
  }
  for (const version of ["2.8.0", "2.9.6", "2.10.0", "3.0.0-rc.1"]) {
    assertEquals(tooOld(version), null);
  }
});
