/** A protocol as a sequence diagram: a lifeline a role, an arrow a message with its measured bytes
 * beneath, boxes for local work with its milliseconds, frames around what repeats. The steps are plain
 * data, so that a notebook can make them from a transcript. `layOut` finds where they stand, in pixels
 * from the top left corner of the diagram, `sequenceFigure` draws them there.
 * @module */
import {
  checkDistinct,
  type Figure,
  type FigureText,
  figureWidth,
  frame,
  note,
  type PlotlyLayout,
  type PlotlyTrace,
  type Rect,
} from "./figure.ts";
import { colour, fontSize, mixed, palette, plain, widest, wrapped } from "./theme.ts";

/** An arrow from one role to another. */
export interface Message {
  kind: "message";
  from: string;
  to: string;
  label: string;
  /** What was measured, beneath the arrow: "300 × 256 float32, 307 kB". */
  detail: string;
}

/** What one role does by itself, as a box on its lifeline. */
export interface Work {
  kind: "work";
  at: string;
  label: string;
  /** What was measured: "4.1 ms". */
  detail: string;
}

/** Steps in a frame, such as "for every batch". */
export interface Group {
  kind: "group";
  label: string;
  steps: readonly SequenceStep[];
}

/** What stands between the lifelines. */
export type SequenceStep = Message | Work | Group;

/** What `sequenceFigure` draws. */
export interface SequenceOptions extends FigureText {
  /** Two or three, from left to right. */
  roles: readonly string[];
  steps: readonly SequenceStep[];
}

/** Lines of text below each other, centred at x. */
export interface TextBlock {
  lines: string[];
  x: number;
  size: number;
  rect: Rect;
}

/** A step, its rectangle, its label and what was measured; and the arrow of a message. */
export interface Placed {
  step: SequenceStep;
  rect: Rect;
  label: TextBlock;
  detail?: TextBlock;
  arrow?: { from: number; to: number; y: number };
}

// CSS pixels.
const side = 16, headerHeight = 32, gap = 14, padding = 7, frameInset = 12;
const lineRatio = 1.3; // plotly's own line height

function checkSteps(name: string, roles: readonly string[], steps: readonly SequenceStep[]): void {
  const here = `Cannot make figure ${name}:`;
  if (steps.length === 0) throw new TypeError(`${here} no steps`);
  for (const step of steps) {
    if (step.label.trim() === "") throw new TypeError(`${here} a ${step.kind} has no label`);
    if (step.kind === "group") {
      checkSteps(name, roles, step.steps);
      continue;
    }
    for (const role of step.kind === "message" ? [step.from, step.to] : [step.at]) {
      if (!roles.includes(role)) {
        throw new TypeError(`${here} step "${step.label}" of unknown role "${role}"`);
      }
    }
    if (step.kind === "message" && step.from === step.to) {
      throw new TypeError(`${here} message "${step.label}" from ${step.from} to itself`);
    }
  }
}

/** A text broken into as few lines as fit in `room`, about equally long, its top at `top`.
 * @throws {RangeError} a word is wider than the room. */
function textBlock(
  text: string,
  { x, top, room, size }: { x: number; top: number; room: number; size: number },
): TextBlock {
  let lines = wrapped(text, size, room);
  for (let narrower = room - 4; narrower > 0; narrower -= 4) {
    const closer = wrapped(text, size, narrower);
    if (closer.length > lines.length) break;
    lines = closer;
  }
  const width = widest(lines, size), bottom = top + lines.length * size * lineRatio;
  if (width > room) {
    throw new RangeError(
      `Cannot lay out "${text}": a word of it is ${Math.ceil(width)} pixels wide, ` +
        `the room is ${Math.floor(room)}`,
    );
  }
  return { lines, x, size, rect: { left: x - width / 2, right: x + width / 2, top, bottom } };
}

/** Frames around the innermost step. */
function depthOf(steps: readonly SequenceStep[]): number {
  return Math.max(0, ...steps.map((step) => step.kind === "group" ? 1 + depthOf(step.steps) : 0));
}

/** Lays the steps out in a diagram of this width: lifelines in columns of one width, steps from top to
 * bottom, texts broken to the room they have.
 * @throws {RangeError} a text has a word too wide for its place. */
export function layOut(roles: readonly string[], steps: readonly SequenceStep[], width: number) {
  const column = width / roles.length;
  const lifelines = new Map(roles.map((role, i) => [role, (i + 0.5) * column]));
  const inner = depthOf(steps) * frameInset + 8; // room at both sides that frames take
  const { text, small } = fontSize;
  const headers = [...lifelines].map(([role, x]) => {
    const top = (headerHeight - text * lineRatio) / 2;
    return textBlock(role, { x, top, room: column - 32, size: text });
  });
  const placed: Placed[] = [];

  const placeMessage = (step: Message, top: number): Rect => {
    const from = lifelines.get(step.from)!, to = lifelines.get(step.to)!;
    const x = (from + to) / 2, room = Math.abs(to - from) - 20;
    const label = textBlock(step.label, { x, top, room, size: text });
    const y = label.rect.bottom + 4;
    const detail = textBlock(step.detail, { x, top: y + 5, room, size: small });
    const ends = { left: Math.min(from, to), right: Math.max(from, to) };
    const rect = { ...ends, top, bottom: detail.rect.bottom };
    placed.push({ step, label, detail, arrow: { from, to, y }, rect });
    return rect;
  };
  const placeWork = (step: Work, top: number): Rect => {
    const x = lifelines.get(step.at)!, room = column - 2 * (inner + padding + 4);
    const label = textBlock(step.label, { x, top: top + padding, room, size: text });
    const detail = textBlock(step.detail, { x, top: label.rect.bottom, room, size: small });
    const half = Math.max(label.rect.right, detail.rect.right) - x + padding + 4;
    const rect = { left: x - half, right: x + half, top, bottom: detail.rect.bottom + padding };
    placed.push({ step, label, detail, rect });
    return rect;
  };
  const placeGroup = (step: Group, top: number, depth: number): Rect => {
    const inset = 1 + depth * frameInset, room = width - 2 * inset - 24;
    const x = inset + 10 + Math.min(room, widest([step.label], small)) / 2;
    const label = textBlock(step.label, { x, top: top + 4, room, size: small });
    const rect = { left: inset, right: width - inset, top, bottom: top };
    placed.push({ step, label, rect });
    rect.bottom = placeAll(step.steps, label.rect.bottom + gap, depth + 1) + gap;
    return rect;
  };
  const placeAll = (list: readonly SequenceStep[], top: number, depth: number): number =>
    list.reduce((y, step, i) => {
      const from = i === 0 ? y : y + gap;
      if (step.kind === "message") return placeMessage(step, from).bottom;
      return (step.kind === "work" ? placeWork(step, from) : placeGroup(step, from, depth)).bottom;
    }, top);
  const height = placeAll(steps, headerHeight + gap, 0) + gap;
  return { lifelines, headers, placed, height };
}

/** A rectangle as a shape. */
function box({ left, top, right, bottom }: Rect, look: PlotlyLayout): PlotlyLayout {
  return { type: "rect", layer: "below", x0: left, x1: right, y0: top, y1: bottom, ...look };
}

/** An arrow as a shape: plotly measures the line of an annotation's arrow, which jsdom cannot. */
function arrowShape({ from, to, y }: { from: number; to: number; y: number }, color: string) {
  const tip = to - 2 * Math.sign(to - from), back = to - 11 * Math.sign(to - from);
  const path = `M${from},${y} L${back},${y} M${tip},${y} L${back},${y - 5} L${back},${y + 5} Z`;
  return { type: "path", layer: "below", path, fillcolor: color, line: { color, width: 1.75 } };
}

/** The rectangle of a step, which the pointer can hit, with what it then shows. */
function target({ step, rect }: Placed, border: string, look: PlotlyTrace): PlotlyTrace {
  const { left, top, right, bottom } = rect, own = step as Message | Work;
  const who = own.kind === "work" ? own.at : `${own.from} → ${own.to}`;
  const font = { color: colour.text };
  return {
    ...{ type: "scatter", mode: "lines", fill: "toself", showlegend: false },
    ...{ x: [left, right, right, left, left], y: [top, top, bottom, bottom, top] },
    ...{ hoveron: "fills", hoverinfo: "text" },
    text: plain([who, own.label, own.detail].join("\n").trim()),
    hoverlabel: { bgcolor: colour.ground, bordercolor: border, font, align: "left" },
    ...look,
  };
}

/** A block of text as an annotation. */
function blockNote({ lines, x, size, rect }: TextBlock, font: object, look = {}): PlotlyLayout {
  const place = { x, y: rect.top, xanchor: "center", yanchor: "top" };
  return note(lines.join("\n"), { ...place, font: { size, ...font }, ...look });
}

/** Draws the steps of a protocol from top to bottom between the lifelines of its roles.
 * @throws {TypeError} no steps, an unknown role, a message to its own sender, an empty label.
 * {RangeError} not two or three roles, or a word too wide for its place. */
export function sequenceFigure(options: SequenceOptions): Figure {
  const { name, roles, steps } = options;
  checkDistinct(name, "role", roles);
  if (roles.length < 2 || roles.length > 3) {
    throw new RangeError(`Cannot make figure ${name}: ${roles.length} roles, expected 2 or 3`);
  }
  checkSteps(name, roles, steps);
  const plotWidth = figureWidth - 2 * side;
  const { lifelines, headers, placed, height } = layOut(roles, steps, plotWidth);
  const colourOf = (role: string) => palette[roles.indexOf(role)];
  const tint = (role: string) => mixed(colour.ground, colourOf(role), 0.12);
  const muted = { color: colour.muted }, bold = { weight: 600 };
  const onGround = { bgcolor: colour.ground }; // where a lifeline runs behind a text

  const frames: PlotlyLayout[] = [], arrows: PlotlyLayout[] = [], data: PlotlyTrace[] = [];
  const lines = [...lifelines].map(([role, x]): PlotlyLayout => ({
    ...{ type: "line", layer: "below", x0: x, x1: x, y0: headerHeight, y1: height },
    line: { color: colourOf(role), width: 1.5, dash: "dot" },
  }));
  const heads = headers.map(({ rect: { left, right } }, i) =>
    box({ left: left - 20, right: right + 20, top: 0, bottom: headerHeight }, {
      ...{ line: { color: palette[i], width: 2 }, fillcolor: tint(roles[i]) },
    })
  );
  const annotations = headers.map((header) => blockNote(header, bold));
  for (const one of placed) {
    const { step, rect, label, detail, arrow } = one;
    if (step.kind === "group") {
      frames.push(box(rect, { line: { color: colour.axis, width: 1.25 } }));
      const look = { ...onGround, borderpad: 3, yshift: 3 };
      annotations.push(blockNote(label, { ...bold, ...muted }, look));
    } else if (step.kind === "work") {
      const border = colourOf(step.at);
      const look = { line: { color: border, width: 1.25 }, fillcolor: tint(step.at) };
      data.push(target(one, border, look));
      annotations.push(blockNote(label, {}), blockNote(detail!, muted));
    } else {
      const border = colourOf(step.from);
      data.push(target(one, border, { line: { width: 0 }, fillcolor: "rgba(0,0,0,0)" }));
      arrows.push(arrowShape(arrow!, border));
      annotations.push(blockNote(label, {}, onGround), blockNote(detail!, muted, onGround));
    }
  }
  const hidden = { visible: false, fixedrange: true };
  return frame(options, {
    ...{ plotWidth, plotHeight: Math.ceil(height) },
    margin: { l: side, r: side, t: 0, b: 8 },
    data,
    layout: {
      xaxis: { ...hidden, range: [0, plotWidth] },
      yaxis: { ...hidden, range: [Math.ceil(height), 0] },
      ...{ hovermode: "closest", dragmode: false },
      shapes: [...frames, ...lines, ...heads, ...arrows],
      annotations,
    },
  });
}
