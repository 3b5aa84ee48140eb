/** A protocol as a sequence diagram: a lifeline a role, an arrow a message with its measured bytes
 * beneath, boxes for local work with its milliseconds, frames around what repeats. The steps are plain
 * data, so that a notebook can make them from a transcript.
 * @module */
import {
  baseLayout,
  checkDistinct,
  checkText,
  type Figure,
  type FigureText,
  type PlotlyLayout,
  type PlotlyTrace,
} from "./figure.ts";
import type { Rect } from "./labels.ts";
import { headerHeight, layOut, type SequenceStep, type TextBlock } from "./sequence_layout.ts";
import { colour, fontSize, mixed, palette, plain } from "./theme.ts";

export interface SequenceOptions extends FigureText {
  /** Two or three, from left to right. */
  roles: readonly string[];
  steps: readonly SequenceStep[];
}

// CSS pixels.
const width = 900, side = 16, top = 52, bottom = 8;

function checkSteps(name: string, roles: readonly string[], steps: readonly SequenceStep[]): void {
  if (steps.length === 0) throw new TypeError(`Cannot make figure ${name}: no steps`);
  for (const step of steps) {
    if (step.label.trim() === "") {
      throw new TypeError(`Cannot make figure ${name}: a ${step.kind} has no label`);
    }
    const parties = step.kind === "message"
      ? [step.from, step.to]
      : step.kind === "work"
      ? [step.at]
      : [];
    for (const role of parties) {
      if (!roles.includes(role)) {
        throw new TypeError(
          `Cannot make figure ${name}: step "${step.label}" of unknown role "${role}"`,
        );
      }
    }
    if (step.kind === "message" && step.from === step.to) {
      throw new TypeError(
        `Cannot make figure ${name}: message "${step.label}" from ${step.from} to itself`,
      );
    }
    if (step.kind === "group") checkSteps(name, roles, step.steps);
  }
}

/** A rectangle as a shape. */
function box({ left, top, right, bottom }: Rect, look: PlotlyLayout): PlotlyLayout {
  return { type: "rect", layer: "below", x0: left, x1: right, y0: top, y1: bottom, ...look };
}

/** An arrow as a shape: plotly measures the line of an annotation's arrow, which jsdom cannot. */
function arrow(from: number, to: number, y: number, color: string): PlotlyLayout {
  const tip = to - 2 * Math.sign(to - from), back = to - 11 * Math.sign(to - from);
  const path = `M${from},${y} L${back},${y} M${tip},${y} L${back},${y - 5} L${back},${y + 5} Z`;
  return { type: "path", layer: "below", path, fillcolor: color, line: { color, width: 1.75 } };
}

/** A rectangle that the pointer can hit, with what it then shows. */
function target(
  { left, top, right, bottom }: Rect,
  { text, border, look }: { text: string; border: string; look: PlotlyTrace },
): PlotlyTrace {
  const font = { color: colour.text };
  return {
    type: "scatter",
    mode: "lines",
    x: [left, right, right, left, left],
    y: [top, top, bottom, bottom, top],
    fill: "toself",
    hoveron: "fills",
    hoverinfo: "text",
    text: plain(text),
    hoverlabel: { bgcolor: colour.ground, bordercolor: border, font, align: "left" },
    showlegend: false,
    ...look,
  };
}

/** A block of text as an annotation, on ground of its own where a lifeline runs behind it. */
function note({ lines, x, rect }: TextBlock, look: PlotlyLayout): PlotlyLayout {
  return {
    text: plain(lines.join("\n")),
    x,
    y: rect.top,
    xanchor: "center",
    yanchor: "top",
    showarrow: false,
    borderpad: 0,
    ...look,
  };
}

/** Draws the steps of a protocol from top to bottom between the lifelines of its roles.
 * @throws {TypeError} no steps, an unknown role, a message to its own sender, an empty label.
 * {RangeError} not two or three roles, or a word too wide for its place. */
export function sequenceFigure(options: SequenceOptions): Figure {
  const { name, title, alt, roles, steps } = options;
  checkText(options);
  checkDistinct(name, "role", roles);
  if (roles.length < 2 || roles.length > 3) {
    throw new RangeError(`Cannot make figure ${name}: ${roles.length} roles, expected 2 or 3`);
  }
  checkSteps(name, roles, steps);
  const plotWidth = width - 2 * side;
  const { lifelines, headers, messages, works, groups, height } = layOut(roles, steps, plotWidth);
  const colourOf = (role: string) => palette[roles.indexOf(role)];
  const tint = (role: string) => mixed(colour.ground, colourOf(role), 0.12);
  const label = { font: { size: fontSize.text } };
  const detail = { font: { size: fontSize.small, color: colour.muted } };
  const onGround = { bgcolor: colour.ground };

  const shapes: PlotlyLayout[] = [];
  const annotations: PlotlyLayout[] = [];
  const data: PlotlyTrace[] = [];
  for (const { rect } of groups) {
    shapes.push(box(rect, { line: { color: colour.axis, width: 1.25 } }));
  }
  for (const [role, x] of lifelines) {
    const line = { color: colourOf(role), width: 1.5, dash: "dot" };
    shapes.push({ type: "line", layer: "below", x0: x, x1: x, y0: headerHeight, y1: height, line });
  }
  headers.forEach((header, i) => {
    const { left, right } = header.rect;
    const rect = { left: left - 20, right: right + 20, top: 0, bottom: headerHeight };
    const line = { color: palette[i], width: 2 };
    shapes.push(box(rect, { line, fillcolor: tint(roles[i]) }));
    annotations.push(note(header, { font: { size: fontSize.text, weight: 600 } }));
  });
  for (const group of groups) {
    const font = { size: fontSize.small, weight: 600, color: colour.muted };
    annotations.push(note(group.label, { font, ...onGround, borderpad: 3, yshift: 3 }));
  }
  for (const { step, rect, ...texts } of works) {
    const text = [step.at, step.label, step.detail, step.hover ?? ""].join("\n").trim();
    const border = colourOf(step.at);
    const look = { line: { color: border, width: 1.25 }, fillcolor: tint(step.at) };
    data.push(target(rect, { text, border, look }));
    annotations.push(note(texts.label, label), note(texts.detail, detail));
  }
  for (const { step, rect, fromX, toX, arrowY, ...texts } of messages) {
    const text = [`${step.from} → ${step.to}`, step.label, step.detail, step.hover ?? ""]
      .join("\n").trim();
    const border = colourOf(step.from);
    const look = { line: { width: 0 }, fillcolor: "rgba(0,0,0,0)" };
    data.push(target(rect, { text, border, look }));
    shapes.push(arrow(fromX, toX, arrowY, border));
    annotations.push(
      note(texts.label, { ...label, ...onGround }),
      note(texts.detail, { ...detail, ...onGround }),
    );
  }
  const hidden = { visible: false, fixedrange: true };
  const size = { width, height: Math.ceil(top + height + bottom) };
  return {
    name,
    title,
    alt,
    ...size,
    data,
    layout: {
      ...baseLayout(title, {
        ...size,
        margin: { l: side, r: side, t: top, b: size.height - top - height },
      }),
      xaxis: { ...hidden, range: [0, plotWidth] },
      yaxis: { ...hidden, range: [height, 0] },
      hovermode: "closest",
      dragmode: false,
      shapes,
      annotations,
    },
  };
}
