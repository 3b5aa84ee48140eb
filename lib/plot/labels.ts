/** Finds places for the labels of points: each label tries the eight places around its point and takes
 * the first that meets nothing, else the one that meets least.
 * @module */
import { fontSize, textWidth } from "./theme.ts";

/** A rectangle in pixels, y downwards. */
export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A point in pixels, y downwards, and its label, "" for none. */
export interface LabelledPoint {
  x: number;
  y: number;
  label: string;
}

/** A label's place in plotly's words, and the rectangle that it takes. */
export interface PlacedLabel {
  position: string;
  rect: Rect;
}

const positions = [
  ["middle right", 1, 0],
  ["top center", 0, -1],
  ["bottom center", 0, 1],
  ["middle left", -1, 0],
  ["top right", 1, -1],
  ["bottom right", 1, 1],
  ["top left", -1, -1],
  ["bottom left", -1, 1],
] as const;

/** Room between the point's middle and its label, and a label's height, in pixels. */
const offset = 8, height = 17;

function rectOf({ x, y, label }: LabelledPoint, [, right, down]: typeof positions[number]): Rect {
  const width = textWidth(label, fontSize.small);
  const left = x + (right === 0 ? -width / 2 : right > 0 ? offset : -offset - width);
  const top = y + (down === 0 ? -height / 2 : down > 0 ? offset : -offset - height);
  return { left, top, right: left + width, bottom: top + height };
}

/** The box around two corners, with room on every side. */
export function boxAround(x0: number, x1: number, y0: number, y1: number, room: number): Rect {
  return {
    left: Math.min(x0, x1) - room,
    right: Math.max(x0, x1) + room,
    top: Math.min(y0, y1) - room,
    bottom: Math.max(y0, y1) + room,
  };
}

/** Small boxes along a line from (x0, y0) to (x1, y1). */
export function boxesAlong(x0: number, x1: number, y0: number, y1: number): Rect[] {
  const across = x1 - x0, down = y1 - y0;
  const pieces = Math.ceil(Math.hypot(across, down) / 6);
  return Array.from({ length: pieces }, (_, i) => {
    const [from, to] = [i / pieces, (i + 1) / pieces];
    return boxAround(x0 + from * across, x0 + to * across, y0 + from * down, y0 + to * down, 1);
  });
}

/** Area that two rectangles share. */
export function sharedArea(a: Rect, b: Rect): number {
  const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return across > 0 && down > 0 ? across * down : 0;
}

/** Distance from a point to the nearest part of a rectangle. */
function distance(rect: Rect, { x, y }: LabelledPoint): number {
  const across = Math.max(rect.left - x, 0, x - rect.right);
  const down = Math.max(rect.top - y, 0, y - rect.bottom);
  return Math.hypot(across, down);
}

/** What a label costs, in pixels of area, that stands closer to another point than to its own. */
const misread = 250;

/** Places the labels in order: off points and obstacles, off each other, inside the frame, and where
 * they are not read as another point's. A point with an empty label gets none. */
export function placeLabels(
  points: readonly LabelledPoint[],
  obstacles: readonly Rect[],
  frame: Rect,
): (PlacedLabel | undefined)[] {
  const taken = [...obstacles, ...points.map(({ x, y }) => boxAround(x, x, y, y, 5))];
  return points.map((point) => {
    if (point.label === "") return undefined;
    const tried = positions.map((position) => {
      const rect = rectOf(point, position);
      const own = distance(rect, point);
      const outside = (rect.right - rect.left) * height - sharedArea(rect, frame);
      const cost = taken.reduce((sum, other) => sum + sharedArea(rect, other), outside) +
        (points.some((other) => other !== point && distance(rect, other) < own) ? misread : 0);
      return { position: position[0], rect, cost };
    });
    const { position, rect } = tried.reduce((best, next) => next.cost < best.cost ? next : best);
    taken.push(rect);
    return { position, rect };
  });
}
