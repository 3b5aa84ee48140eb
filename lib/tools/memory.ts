/** The memory of a process and all that it started, as Linux' /proc has it.
 * @module */

const MB = 2 ** 20;

/** A process as /proc/PID/status has it. */
interface Process {
  readonly pid: number;
  readonly parent: number;
  /** VmHWM: the most memory that it ever had resident. */
  readonly highest: number;
}

function processes(): Process[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    let status: string;
    try {
      status = Deno.readTextFileSync(`/proc/${name}/status`);
    } catch {
      return []; // ended since the folder was read
    }
    const field = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    const [parent, highest] = [field("PPid"), field("VmHWM") * 1024];
    return highest > 0 ? [{ pid: Number(name), parent, highest }] : []; // a thread of the system has none
  });
}

/** The highest memory (RSS) of each process of a tree that is alive, summed, in whole MB (2^20 bytes). An upper bound:
 * the highest need not have come at one time, and pages that processes share count in each.
 * @returns undefined where there is no /proc, or no such process. */
export function highestMemoryMB(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const all = processes();
  const root = all.find((process) => process.pid === pid);
  if (root === undefined) return undefined;
  const tree = [root];
  for (const { pid: parent } of tree) tree.push(...all.filter((child) => child.parent === parent));
  return Math.ceil(tree.reduce((sum, { highest }) => sum + highest, 0) / MB);
}

/** Looks at a tree of processes twice a second; a child that lives shorter may be missed. */
export class MemoryWatch implements Disposable {
  #peakMB: number | undefined;
  readonly #timer: ReturnType<typeof setInterval>;

  /** Begins. */
  constructor(readonly pid: number) {
    this.#timer = setInterval(() => this.#look(), 500);
  }

  #look(): void {
    const now = highestMemoryMB(this.pid);
    if (now !== undefined) this.#peakMB = Math.max(this.#peakMB ?? 0, now);
  }

  /** The largest {@linkcode highestMemoryMB} so far, with a look now. */
  get peakMB(): number | undefined {
    this.#look();
    return this.#peakMB;
  }

  /** Ends. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
