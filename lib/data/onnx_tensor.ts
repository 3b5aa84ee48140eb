/** Constants of ONNX: raw little-endian bytes, numbers in a field of their type, or bytes in a file beside the model.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (TensorProto)
 * @module */
import {
  type TensorProto,
  TensorProto_DataLocation as Location,
  TensorProto_DataType as Type,
} from "onnx-buf";
import { DataError } from "./dataset.ts";
import { shown, type Tensor, tensorOf, unreadable } from "./tensor.ts";

/** Number formats by ONNX' types, for `raw_data`. */
const FORMATS: Readonly<Partial<Record<Type, string>>> = {
  ...{ [Type.FLOAT]: "f4", [Type.DOUBLE]: "f8", [Type.FLOAT16]: "f2", [Type.BFLOAT16]: "bf2" },
  ...{ [Type.INT8]: "i1", [Type.INT16]: "i2", [Type.INT32]: "i4", [Type.INT64]: "i8" },
  ...{ [Type.UINT8]: "u1", [Type.UINT16]: "u2", [Type.UINT32]: "u4", [Type.UINT64]: "u8" },
  [Type.BOOL]: "b1",
};

/** Where weights lie that are in another file, as PyTorch exports them. */
export const elsewhere = ({ externalData }: TensorProto) => {
  const value = (key: string) => externalData.find((entry) => entry.key === key)?.value;
  return { location: value("location"), offset: value("offset"), length: value("length") };
};

/** A constant; one that cannot be read says so when it is asked for. */
export function onnxTensor(
  path: string,
  proto: TensorProto,
  others: ReadonlyMap<string, Uint8Array> = new Map(),
): Tensor {
  const { name, dims, dataType, rawData, dataLocation } = proto;
  const file = `${path}, ${shown(name)}`;
  const refused = (why: string) => unreadable(name, new DataError(`Cannot read ${file}: ${why}`));
  const shape = dims.map(Number);
  const format = FORMATS[dataType as Type];
  if (format === undefined) {
    return refused(`it is of type ${Type[dataType] ?? dataType}, save it as float32`);
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    return refused("it has no shape");
  }
  let bytes: Uint8Array = rawData.length > 0 ? rawData : typedBytes(proto, format);
  if (dataLocation === Location.EXTERNAL) {
    const { location, offset, length } = elsewhere(proto);
    const whole = others.get(location ?? "");
    if (whole === undefined) return refused("its numbers lie in another file, which is not read");
    const begin = Number(offset ?? 0);
    const size = Number(length ?? whole.length - begin);
    if (!(begin >= 0 && size >= 0 && begin + size <= whole.length)) {
      return refused(`truncated, bytes ${begin} to ${begin + size} of ${shown(location!)}`);
    }
    bytes = whole.subarray(begin, begin + size);
  }
  try {
    return tensorOf({ file, name, shape, bytes, format });
  } catch (error) {
    if (error instanceof DataError) return unreadable(name, error);
    throw error;
  }
}

/** Numbers in the field of their type, as the bytes that `raw_data` would have. */
function typedBytes(proto: TensorProto, format: string): Uint8Array {
  const { floatData, doubleData, int32Data, int64Data, uint64Data } = proto;
  const arrays: Record<string, () => ArrayBufferView<ArrayBuffer>> = {
    ...{ f4: () => Float32Array.from(floatData), f8: () => Float64Array.from(doubleData) },
    ...{ i8: () => BigInt64Array.from(int64Data), u8: () => BigUint64Array.from(uint64Data) },
    u4: () => Uint32Array.from(uint64Data, Number),
    ...{ i4: () => Int32Array.from(int32Data), i1: () => Int8Array.from(int32Data) },
    ...{ u1: () => Uint8Array.from(int32Data), b1: () => Uint8Array.from(int32Data) },
  };
  const { buffer } = arrays[format]?.() ?? Uint16Array.from(int32Data); // 16 bits each: integers, float16 and bfloat16 as they are
  return new Uint8Array(buffer);
}
