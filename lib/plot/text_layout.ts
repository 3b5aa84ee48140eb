/** Text measurement for a DOM that has none. jsdom answers every bounding box with zeros, and plotly
 * would lay legends, titles and margins out on top of each other. Boxes of SVG elements are computed
 * here: text from the font's advance widths, groups as the union of their children.
 * @module */

import type { Rect } from "./figure.ts";

/** Width of a string in pixels at a font size and weight. */
export type Measure = (text: string, size: number, weight: string) => number;

// The DOM's types are not among this workspace's compiler libraries; this is the part used here.
interface SvgNode {
  nodeType: number;
  nodeName: string;
  textContent: string;
  parentNode: SvgNode | null;
  childNodes: Iterable<SvgNode>;
  style?: Record<string, string>;
  getAttribute?(name: string): string | null;
}

const empty: Rect = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };

function union(a: Rect, b: Rect): Rect {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** A style property or attribute, inherited as SVG text properties are. */
function inherited(node: SvgNode, property: string, attribute: string): string | null {
  for (let at: SvgNode | null = node; at !== null; at = at.parentNode) {
    const value = at.style?.[property] || at.getAttribute?.(attribute);
    if (value) return value;
  }
  return null;
}

function numeric(node: SvgNode, attribute: string): number {
  return parseFloat(node.getAttribute?.(attribute) ?? "") || 0;
}

/** Applies `translate(…)` and `rotate(…)`, the transforms that plotly writes, to a box. */
function transformed(box: Rect, transform: string): Rect {
  let corners = [box.left, box.right].flatMap((x) => [box.top, box.bottom].map((y) => [x, y]));
  const steps = [...transform.matchAll(/(translate|rotate|scale)\(([^)]*)\)/g)].reverse();
  for (const [, kind, list] of steps) {
    const [a, b = 0, c = 0] = list.split(/[\s,]+/).map(Number);
    if (kind === "translate") corners = corners.map(([x, y]) => [x + a, y + b]);
    if (kind === "scale") corners = corners.map(([x, y]) => [x * a, y * (b || a)]);
    if (kind === "rotate") {
      const cos = Math.cos(a * Math.PI / 180), sin = Math.sin(a * Math.PI / 180);
      corners = corners.map(([x, y]) => [
        b + (x - b) * cos - (y - c) * sin,
        c + (x - b) * sin + (y - c) * cos,
      ]);
    }
  }
  return corners.reduce(
    (all, [x, y]) => union(all, { left: x, top: y, right: x, bottom: y }),
    empty,
  );
}

function fontSizeOf(node: SvgNode): number {
  return parseFloat(inherited(node, "fontSize", "font-size") ?? "16px");
}

/** Sum of the advance widths of all text below a node. */
function lineWidth(node: SvgNode, measure: Measure): number {
  if (node.nodeType === 3) {
    const parent = node.parentNode!;
    const weight = inherited(parent, "fontWeight", "font-weight") ?? "normal";
    return measure(node.textContent, fontSizeOf(parent), weight);
  }
  let width = 0;
  for (const child of node.childNodes) width += lineWidth(child, measure);
  return width;
}

/** Bounding box of a `<text>`: one line, or one line for each `<tspan class="line">`. */
function textBox(node: SvgNode, measure: Measure): Rect {
  const children = [...node.childNodes];
  const lines = children.filter((child) => child.getAttribute?.("class") === "line");
  const size = fontSizeOf(node);
  const x = numeric(node, "x"), y = numeric(node, "y");
  const anchor = inherited(node, "textAnchor", "text-anchor");
  return (lines.length > 0 ? lines : [node]).reduce((all, line, i) => {
    const width = lineWidth(line, measure);
    const left = x - (anchor === "middle" ? width / 2 : anchor === "end" ? width : 0);
    const baseline = y + i * 1.3 * size; // plotly's own line height
    return union(all, {
      left,
      top: baseline - 0.97 * size, // Inter's ascent and descent
      right: left + width,
      bottom: baseline + 0.24 * size,
    });
  }, empty);
}

/** Bounding box of an SVG element in its parent's coordinates. */
function boxOf(node: SvgNode, measure: Measure): Rect {
  if (node.nodeType !== 1 || inherited(node, "display", "display") === "none") return empty;
  let box = empty;
  if (node.nodeName === "text") {
    box = textBox(node, measure);
  } else if (node.nodeName === "rect" || node.nodeName === "image") {
    const left = numeric(node, "x"), top = numeric(node, "y");
    const right = left + numeric(node, "width"), bottom = top + numeric(node, "height");
    box = { left, top, right, bottom };
  } else {
    for (const child of node.childNodes) box = union(box, boxOf(child, measure));
  }
  const transform = node.getAttribute?.("transform");
  return transform && box.left <= box.right ? transformed(box, transform) : box;
}

/** Gives the SVG elements of a jsdom window `getBoundingClientRect` and `getBBox`. */
export function installTextLayout(
  window: { SVGElement: { prototype: object } },
  measure: Measure,
): void {
  const rect = function (this: SvgNode) {
    const box = boxOf(this, measure);
    const none = { left: 0, top: 0, right: 0, bottom: 0 };
    const { left, top, right, bottom } = box.left <= box.right ? box : none;
    const width = right - left, height = bottom - top;
    return { left, top, right, bottom, x: left, y: top, width, height };
  };
  Object.assign(window.SVGElement.prototype, { getBoundingClientRect: rect, getBBox: rect });
}
