/** Width and height from a PNG's header. */
export function pngSize(png: Uint8Array): [width: number, height: number] {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  if (view.getUint32(0) !== 0x89504e47) throw new TypeError("Cannot read size: not a PNG");
  return [view.getUint32(16), view.getUint32(20)];
}
