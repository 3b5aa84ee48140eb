/** Starts `socket_peer.ts` in a process of its own.
 * @module */

/** A started peer, and the line it said when it was ready. */
export async function spawnPeer(
  role: "client" | "server",
  options: Record<string, string>,
): Promise<{ child: Deno.ChildProcess; ready: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./socket_peer.ts", import.meta.url).href, role],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(options)));
  await writer.close();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { child, ready: value!.trim() };
}
