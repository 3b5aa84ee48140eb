import { assertAlmostEquals, assertEquals } from "@std/assert";
import { installTextLayout } from "lib/plot/text_layout.ts";

/** A stand-in for an SVG element: enough of a DOM to measure. */
function element(
  name: string,
  attributes: Record<string, string>,
  // deno-lint-ignore no-explicit-any
  children: any[] = [],
) {
  const node = {
    nodeType: name === "#text" ? 3 : 1,
    nodeName: name,
    textContent: attributes.text ?? "",
    parentNode: null as unknown,
    childNodes: children,
    getAttribute: (key: string) => attributes[key] ?? null,
  };
  for (const child of children) child.parentNode = node;
  return node;
}

const text = (content: string) => element("#text", { text: content });
const window = { SVGElement: { prototype: {} as { getBBox(): Record<string, number> } } };
installTextLayout(window, (content, size) => content.length * size / 2);
const box = (node: unknown) => window.SVGElement.prototype.getBBox.call(node as never);

Deno.test("getBBox() measures text by its font size and anchor", () => {
  const at = { x: "100", y: "50", "font-size": "10px" };
  assertEquals(box(element("text", at, [text("abcd")])).width, 20);
  assertEquals(box(element("text", { ...at, "text-anchor": "middle" }, [text("abcd")])).left, 90);
  assertEquals(box(element("text", { ...at, "text-anchor": "end" }, [text("abcd")])).left, 80);
});

Deno.test("getBBox() takes the longest of several lines", () => {
  const line = (content: string) => element("tspan", { class: "line" }, [text(content)]);
  const lines = element("text", { "font-size": "10px" }, [line("ab"), line("abcdef")]);
  assertEquals(box(lines).width, 30);
  assertAlmostEquals(box(lines).height, 13 + 12.1);
});

Deno.test("getBBox() unites a group's children, moved and turned", () => {
  const rect = element("rect", { x: "0", y: "0", width: "10", height: "4" });
  const moved = element("g", { transform: "translate(5,6)" }, [rect]);
  const group = element("g", {}, [moved, element("rect", { width: "1", height: "1" })]);
  const { left, top, right, bottom } = box(group);
  assertEquals([left, top, right, bottom], [0, 0, 15, 10]);
  const turned = box(
    element("rect", { width: "10", height: "4", transform: "rotate(-90)" }),
  );
  assertAlmostEquals(turned.width, 4);
  assertAlmostEquals(turned.height, 10);
});

Deno.test("getBBox() of nothing, or of what is not displayed, is empty at the origin", () => {
  assertEquals(box(element("g", {})).width, 0);
  assertEquals(box(element("g", { display: "none" }, [element("rect", { width: "3" })])).right, 0);
});
