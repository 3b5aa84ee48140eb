/** Which image stood where in a split training, in a file: what its client alone knows, for the owner of both parties who
 * audits. **It is a secret**: with it, what a server recorded is tied to the images.
 *
 * Sealed safetensors, which other programs read too: `orders` is `[epochs, count]`, row t the images in the order in which
 * they were sent at that epoch of this connection.
 * @module */
import type { Shape } from "../attack/priors.ts";
import { type TrainingView, trainingView } from "../attack/training/view.ts";
import { DataError } from "../data/dataset.ts";
import { readBytes } from "../data/read_bytes.ts";
import { seal } from "../data/safetensors.ts";
import { shown } from "../data/tensor.ts";
import { unsealed } from "./recorded_view.ts";

const KIND = "sample names 1";

/** 10,000 epochs of 10,000 images. */
const MAX_BYTES = 2 ** 30;

/** What a client knows of a recorded training. */
export interface RecordedNames {
  /** Of the images, which a split server is not told. */
  readonly shape: Shape;
  /** Of the epochs: places of the images among those trained on, `[count]`. */
  readonly orders: readonly Uint32Array[];
}

/** Encodes names. @throws {TypeError} no epoch, or epochs of different lengths. */
export function encodeNames({ shape, orders }: RecordedNames): Uint8Array<ArrayBuffer> {
  const count = orders[0]?.length ?? 0;
  if (count === 0 || orders.some((order) => order.length !== count)) {
    throw new TypeError(
      `Cannot record names: epochs of [${
        orders.map(({ length }) => length)
      }] images, expected one length`,
    );
  }
  const data = new Float64Array(orders.length * count); // the format's writer has no integers
  orders.forEach((order, epoch) => data.set(order, epoch * count));
  return seal({ orders: { shape: [orders.length, count], data } }, {
    ...{ kind: KIND, shape: JSON.stringify(shape) },
  });
}

/** Reads names. @throws {DataError} no such file; else as {@linkcode decodeNames}. */
export async function readNames(path: string): Promise<RecordedNames> {
  return decodeNames(path, await readBytes(path, MAX_BYTES));
}

/** Decodes names.
 * @param file its name, for messages.
 * @throws {DataError} damaged, or not such a file: an epoch must have each image once. */
export function decodeNames(file: string, bytes: Uint8Array): RecordedNames {
  const refuse = (why: string) => new DataError(`Cannot read ${file}: ${why}`);
  const { tensors, metadata } = unsealed(file, bytes);
  const [all] = tensors.filter(({ name }) => name === "orders");
  if (metadata.kind !== KIND || all?.shape.length !== 2) {
    throw refuse(
      `it is ${shown(String(metadata.kind ?? "no record"))}, expected what --record-names wrote`,
    );
  }
  const [epochs, count] = all.shape;
  const values = all.values();
  const orders = Array.from({ length: epochs }, (_, epoch) => {
    const order = Uint32Array.from(values.subarray(epoch * count, (epoch + 1) * count));
    if (new Set(order).size !== count || order.some((at) => at >= count)) {
      throw refuse(`epoch ${epoch} has not each of ${count} images once`);
    }
    return order;
  });
  return { shape: JSON.parse(String(metadata.shape)), orders };
}

/** A view with its samples named by truth, their places among the images: for measuring, since the server of a client that
 * shuffles is not told. An attack that follows names must not be given them, or it has what its server has not.
 * @param orders of the epochs: which image came when. The last may be longer than what was seen of it, where the
 * connection broke.
 * @throws {TypeError} orders of another length than the view.
 * @throws {RangeError} a sample would change its class from one visit to the next: the orders are another run's. */
export function namedBy(view: TrainingView, orders: readonly Uint32Array[]): TrainingView {
  const names = orders.flatMap((order) => [...order]);
  const classOf = new Map<number, number>();
  let taken = 0;
  const steps = view.steps.map((step, at) => {
    const m = step.z1.length / view.units;
    const samples = Uint32Array.from(names.slice(taken, taken += m));
    samples.forEach((name, row) => {
      const label = step.labels?.[row];
      if (label !== undefined && (classOf.get(name) ?? label) !== label) {
        throw new RangeError(
          `Cannot name samples: sample ${name} is of class ${
            classOf.get(name)
          } before step ${at} and of ` +
            `${label} there: the names are not of this run`,
        );
      }
      if (label !== undefined) classOf.set(name, label);
    });
    return { ...step, samples };
  });
  const left = names.length - taken;
  if (left < 0 || left >= (orders.at(-1)?.length ?? 1)) {
    throw new TypeError(`Cannot name samples: ${taken} rows, the orders have ${names.length}`);
  }
  return trainingView({ ...view, steps });
}
