import { assertEquals, assertThrows } from "@std/assert";
import { isTableFile, parseCsv } from "lib/data/csv.ts";
import { DataError } from "lib/data/dataset.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const parsed = (text: string, options = {}) => {
  const { names, cells, lines } = parseCsv("t.csv", bytes(text), options);
  return [names, cells, lines];
};
const numbered = ["column 1", "column 2"];

Deno.test("parseCsv() knows a line of names, and rows without one", () => {
  assertEquals(parsed("a,b\n1,2\n3,4\n"), [["a", "b"], [["1", "2"], ["3", "4"]], [2, 3]]);
  assertEquals(parsed("1,2\n3,4"), [numbered, [["1", "2"], ["3", "4"]], [1, 2]]);
  assertEquals(parsed("1,cat\n3,dog")[0], numbered); // text in both: a column of text
  assertEquals(parsed("x,kind\n3,dog")[0], ["x", "kind"]);
  assertEquals(parsed("a,kind\nb,dog", { label: "kind" })[0], ["a", "kind"]);
});

Deno.test("parseCsv() reads commas, semicolons and tabs, quotes, a byte order mark, blank lines", () => {
  const two = [["a", "b"], [["1", "2.5"]]];
  for (
    const text of ["a,b\n1,2.5", "a;b\r\n1;2.5\r\n", "a\tb\n1\t2.5\n", "\ufeffa , b\n\n 1 ,2.5\n\n"]
  ) {
    assertEquals(parsed(text).slice(0, 2), two, text);
  }
  const quoted = parsed('"a, with a comma",b\n"1","2"\n3,4');
  assertEquals(quoted, [["a, with a comma", "b"], [["1", "2"], ["3", "4"]], [2, 3]]);
  assertEquals(parsed('"a;b;c",d\n1,2')[0], ["a;b;c", "d"]); // what is quoted separates nothing
});

Deno.test("parseCsv() reads at most so many rows", () => {
  assertEquals(parsed("a\n1\n2\n3", { limit: 2 })[1], [["1"], ["2"]]);
  assertEquals(parsed("1\n2\n3", { limit: 2 })[1], [["1"], ["2"]]);
});

Deno.test("parseCsv() refuses what is no table, one fault at a time", () => {
  const refused = (content: string | Uint8Array<ArrayBuffer>, why: string) => {
    const run = () => parseCsv("t.csv", typeof content === "string" ? bytes(content) : content);
    const { message } = assertThrows(run, DataError, "Cannot read t.csv: ");
    assertEquals(message.slice("Cannot read t.csv: ".length).startsWith(why), true, message);
    assertEquals(message.includes("\n"), false, message);
  };
  refused("a,b\n1,2\n3\n", "line 3 has 1 cells, the lines before it have another number");
  refused('a,b\n"1,2\n', "Quote Not Closed");
  refused("a,b,a\n1,2,3\n", 'two columns are called "a"');
  refused("a,b\n", "it has a line of names and no rows");
  refused("\n\n", "it has no rows");
  refused(Uint8Array.of(1, 2, 0, 3), "it is no text");
  refused(Uint8Array.of(0x61, 0xff, 0x2c), "its text is not UTF-8");
  refused(Uint8Array.of(0xff, 0xfe, 0x61, 0), "it is text in UTF-16");
  refused(bytes("PAR1"), "it is Parquet: pandas.read_parquet");
  refused(Uint8Array.fromHex("d0cf11e0a1b11ae1"), "it is an old Excel workbook");
  refused(Uint8Array.fromHex("1f8b0800"), "it is compressed: unpack it first");
});

Deno.test("isTableFile() tells tables from images, pages and pointers", () => {
  for (const text of ["a,b\n1,2", "\ufeffa,b", "größe;Á", "PAR1\x15\x00", "1"]) {
    assertEquals(isTableFile(bytes(text)), true, text);
  }
  const others = ["<svg/>", "version https://git-lfs", "\x89PNG\r\n\x1a\n\0", "GIF89a\x01\x00"];
  for (const text of others) assertEquals(isTableFile(bytes(text)), false, text);
});
