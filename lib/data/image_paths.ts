/** Which images a folder, or a list of folders and files, holds, in which order and of which classes.
 * @module */
import { basename, extname, join } from "node:path";
import { refusal } from "./dataset.ts";
import { fileProblem } from "./read_bytes.ts";
import { shown } from "./tensor.ts";

const ENDINGS = [".png", ".jpg", ".jpeg", ".webp"];

/** An image to read. */
export interface ImagePath {
  readonly path: string;
  /** Under the folder it was found in: "7.png", "cat/7.png". */
  readonly name: string;
  /** The folder it lies in, where that is its class. */
  readonly label: string | null;
}

const byName = (a: string, b: string) => Number(a > b) - Number(a < b);
const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** What lies directly in a folder, by name: images and folders, and the endings of all else. */
async function listFolder(path: string) {
  const fail = (error: unknown): never => refusal(`Cannot read ${path}`)(fileProblem(error));
  const images: string[] = [], folders: string[] = [], others: string[] = [];
  let hidden = 0;
  try {
    for await (const entry of Deno.readDir(path)) {
      const { name } = entry;
      const isImage = ENDINGS.includes(extname(name).toLowerCase());
      if (name.startsWith(".")) hidden++;
      else if (entry.isDirectory) folders.push(name);
      else if (isImage) images.push(name);
      else if (
        entry.isSymlink && (await Deno.stat(join(path, name)).catch(() => null))?.isDirectory
      ) {
        folders.push(name);
      } else others.push(extname(name).toLowerCase() || "no ending");
    }
  } catch (error) {
    fail(error);
  }
  return { images: images.sort(byName), folders: folders.sort(byName), others, hidden };
}

type Folder = Awaited<ReturnType<typeof listFolder>>;

/** "3 files of other kinds (.gif, .txt), 1 hidden file", of several folders together. */
function leftOut(folders: readonly Folder[]): string {
  const others = folders.flatMap((folder) => folder.others);
  const hidden = folders.reduce((sum, folder) => sum + folder.hidden, 0);
  const kinds = [...new Set(others)].sort(byName).slice(0, 5).map(shown).join(", ");
  return [
    ...others.length > 0 ? [`${counted(others.length, "file")} of other kinds (${kinds})`] : [],
    ...hidden > 0 ? [counted(hidden, "hidden file")] : [],
  ].join(", ");
}

/** The images of one folder: its own, or, where it has none, those of its folders, which are then the classes, dealt
 * in turn (0, 1, …, 0, 1, …) so that any run of them holds all. */
async function fromFolder(path: string): Promise<{ files: ImagePath[]; notes: string[] }> {
  const own = await listFolder(path);
  const skipped = (what: string) => what === "" ? [] : [`${path}: left out ${what}`];
  if (own.images.length > 0) {
    const files = own.images.map((name) => ({ path: join(path, name), name, label: null }));
    const folders = own.folders.length > 0 ? [counted(own.folders.length, "folder")] : [];
    const rest = [leftOut([own]), ...folders].filter((text) => text !== "").join(", ");
    return { files, notes: skipped(rest) };
  }
  const inside = await Promise.all(own.folders.map((name) => listFolder(join(path, name))));
  const fail = refusal(`Cannot read ${path}`);
  const nothing = leftOut([own, ...inside]);
  const used = own.folders.filter((_, k) => inside[k].images.length > 0);
  if (used.length === 0) {
    const but = nothing === "" ? "" : `, but ${nothing}`;
    fail(`no PNG, JPEG or WebP in it or in its folders${but}`);
  }
  const lists = inside.map(({ images }) => images);
  const files: ImagePath[] = [];
  for (let turn = 0; turn < Math.max(...lists.map((list) => list.length)); turn++) {
    own.folders.forEach((label, k) => {
      if (turn >= lists[k].length) return;
      const name = `${label}/${lists[k][turn]}`;
      files.push({ path: join(path, name), name, label });
    });
  }
  const empty = own.folders.length - used.length;
  const rest = [nothing, ...empty > 0 ? [`${counted(empty, "folder")} without images`] : []];
  const notes = skipped(rest.filter((text) => text !== "").join(", "));
  return { files, notes: [`${path}: its ${used.length} folders are the classes`, ...notes] };
}

/** The images of folders and files. Of a folder those are taken that end in .png, .jpg, .jpeg or .webp, by name; where
 * it has none, those of its folders, one level deep, whose names are then the classes. Files that are named are all
 * taken, in the order given.
 * @returns with labels only for one folder of classes.
 * @throws {DataError} one that is not there or cannot be read, or a folder without images. */
export async function listImages(
  paths: readonly string[],
): Promise<{ files: ImagePath[]; notes: string[] }> {
  if (paths.length === 0) refusal("Cannot read images")("no file and no folder given");
  const files: ImagePath[] = [], notes: string[] = [];
  for (const path of paths) {
    const { isDirectory } = await Deno.stat(path).catch((error) =>
      refusal(`Cannot read ${path}`)(fileProblem(error))
    );
    if (!isDirectory) {
      files.push({ path, name: basename(path), label: null });
      continue;
    }
    const found = await fromFolder(path);
    notes.push(...found.notes);
    files.push(
      ...paths.length === 1 ? found.files : found.files.map((f) => ({ ...f, label: null })),
    );
  }
  return { files, notes };
}
