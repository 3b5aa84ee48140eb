/** Where the steps of a sequence diagram stand, in pixels from the top left corner of the diagram:
 * lifelines in columns of one width, steps from top to bottom, texts broken to the room they have.
 * @module */
import { boxAround, type Rect } from "./labels.ts";
import { fontSize, widest, wrapped } from "./theme.ts";

/** An arrow from one role to another. */
export interface Message {
  kind: "message";
  from: string;
  to: string;
  label: string;
  /** What was measured, beneath the arrow: "300 × 256 float32, 307 kB". */
  detail: string;
  /** What only the pointer shows. */
  hover?: string;
}

/** What one role does by itself, as a box on its lifeline. */
export interface Work {
  kind: "work";
  at: string;
  label: string;
  /** What was measured: "4.1 ms". */
  detail: string;
  /** What only the pointer shows. */
  hover?: string;
}

/** Steps in a frame, such as "for every batch". */
export interface Group {
  kind: "group";
  label: string;
  steps: readonly SequenceStep[];
}

export type SequenceStep = Message | Work | Group;

/** Lines of text below each other, centred at x. */
export interface TextBlock {
  lines: string[];
  x: number;
  rect: Rect;
}

export interface PlacedMessage {
  step: Message;
  fromX: number;
  toX: number;
  arrowY: number;
  label: TextBlock;
  detail: TextBlock;
  rect: Rect;
}

export interface PlacedWork {
  step: Work;
  label: TextBlock;
  detail: TextBlock;
  rect: Rect;
}

export interface PlacedGroup {
  step: Group;
  label: TextBlock;
  rect: Rect;
}

export interface SequenceLayout {
  /** Middle of each role's lifeline. */
  lifelines: ReadonlyMap<string, number>;
  headers: TextBlock[];
  messages: PlacedMessage[];
  works: PlacedWork[];
  groups: PlacedGroup[];
  height: number;
}

export const headerHeight = 32;

const gap = 14, padding = 7, frameInset = 12, lineRatio = 1.3; // plotly's own line height

/** A text broken into as few lines as fit in `room`, about equally long, its top at `top`. @throws {RangeError} a word is wider than the room. */
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
  const width = widest(lines, size);
  if (width > room) {
    throw new RangeError(
      `Cannot lay out "${text}": a word of it is ${Math.ceil(width)} pixels wide, ` +
        `the room is ${Math.floor(room)}`,
    );
  }
  const height = lines.length * size * lineRatio;
  return { lines, x, rect: boxAround(x - width / 2, x + width / 2, top, top + height, 0) };
}

/** Frames around the innermost step. */
export function depthOf(steps: readonly SequenceStep[]): number {
  return Math.max(0, ...steps.map((step) => step.kind === "group" ? 1 + depthOf(step.steps) : 0));
}

/** Lays the steps out in a diagram of this width.
 * @throws {RangeError} a text has a word too wide for its place. */
export function layOut(
  roles: readonly string[],
  steps: readonly SequenceStep[],
  width: number,
): SequenceLayout {
  const column = width / roles.length;
  const lifelines = new Map(roles.map((role, i) => [role, (i + 0.5) * column]));
  const inner = depthOf(steps) * frameInset + 8; // room at both sides that frames take
  const headers = [...lifelines].map(([role, x]) => {
    const size = fontSize.text;
    return textBlock(role, {
      x,
      top: (headerHeight - size * lineRatio) / 2,
      room: column - 32,
      size,
    });
  });
  const layout = { messages: [], works: [], groups: [] } as Pick<
    SequenceLayout,
    "messages" | "works" | "groups"
  >;

  const placeMessage = (step: Message, top: number): number => {
    const fromX = lifelines.get(step.from)!, toX = lifelines.get(step.to)!;
    const x = (fromX + toX) / 2, room = Math.abs(toX - fromX) - 20;
    const label = textBlock(step.label, { x, top, room, size: fontSize.text });
    const arrowY = label.rect.bottom + 4;
    const detail = textBlock(step.detail, { x, top: arrowY + 5, room, size: fontSize.small });
    const rect = boxAround(fromX, toX, top, detail.rect.bottom, 0);
    layout.messages.push({ step, fromX, toX, arrowY, label, detail, rect });
    return detail.rect.bottom;
  };
  const placeWork = (step: Work, top: number): number => {
    const x = lifelines.get(step.at)!, room = column - 2 * (inner + padding + 4);
    const label = textBlock(step.label, { x, top: top + padding, room, size: fontSize.text });
    const below = { x, top: label.rect.bottom, room, size: fontSize.small };
    const detail = textBlock(step.detail, below);
    const half = Math.max(label.rect.right, detail.rect.right) - x + padding + 4;
    const bottom = detail.rect.bottom + padding;
    layout.works.push({ step, label, detail, rect: boxAround(x - half, x + half, top, bottom, 0) });
    return bottom;
  };
  const placeGroup = (step: Group, top: number, depth: number): number => {
    const inset = 1 + depth * frameInset, size = fontSize.small;
    const room = width - 2 * inset - 24;
    const x = inset + 10 + Math.min(room, widest([step.label], size)) / 2;
    const label = textBlock(step.label, { x, top: top + 4, room, size });
    const bottom = placeAll(step.steps, label.rect.bottom + gap, depth + 1) + gap;
    layout.groups.push({ step, label, rect: boxAround(inset, width - inset, top, bottom, 0) });
    return bottom;
  };
  const placeAll = (list: readonly SequenceStep[], top: number, depth: number): number =>
    list.reduce((y, step, i) => {
      const from = i === 0 ? y : y + gap;
      if (step.kind === "message") return placeMessage(step, from);
      return step.kind === "work" ? placeWork(step, from) : placeGroup(step, from, depth);
    }, top);
  const height = placeAll(steps, headerHeight + gap, 0) + gap;
  return { lifelines, headers, ...layout, height };
}
