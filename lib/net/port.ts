/** Connections over a MessagePort: between two parties of one process, or with a party in a Worker.
 *
 * A message that is the whole of its buffer, as `encodeMessage` makes them, is transferred: the sender's
 * array becomes empty and nothing is copied. A port has no notion of a full queue and none of a peer that
 * vanished: `send` resolves at once, a terminated Worker is told by a timeout.
 * @module */
import { plainText } from "./plain_text.ts";
import { type Connection, Inbox, type InboxLimits } from "./transport.ts";

/** What crosses a port: a message, or the reason of the end. */
type Parcel = Uint8Array<ArrayBuffer> | { readonly reason: string };

/** The connection over one end of a MessageChannel; an open one keeps the process alive.
 * @param peer who is at the other end, for errors. */
export function portConnection(
  port: MessagePort,
  peer: string,
  limits?: InboxLimits,
): Connection {
  const inbox = new Inbox(peer, limits);
  const finish = (reason: string) => {
    port.postMessage({ reason } satisfies Parcel);
    port.close();
  };
  port.onmessage = ({ data }: MessageEvent<Parcel>) => {
    if (data instanceof Uint8Array) {
      const refusal = inbox.add(data);
      if (refusal !== null) finish(refusal);
    } else {
      const reason = plainText(String(data.reason));
      inbox.end(`Cannot receive from ${peer}: it closed the connection (${reason})`, "closed");
      port.close();
    }
  };
  return {
    peer,
    gone: inbox.gone,
    send(message) {
      if (inbox.ended !== null) return Promise.reject(inbox.ended);
      const whole = message.byteLength === message.buffer.byteLength;
      port.postMessage(message, whole ? [message.buffer] : []);
      return Promise.resolve();
    },
    receive: (options) => inbox.next(options),
    close(reason = "done") {
      if (inbox.ended !== null) return;
      inbox.drop(`Cannot use the connection to ${peer}: closed on this side (${reason})`, "closed");
      finish(reason);
    },
  };
}

/** Two connected ends in this process: the first for the client, the second for the server. */
export function inProcess(limits?: InboxLimits): [client: Connection, server: Connection] {
  const { port1, port2 } = new MessageChannel();
  return [portConnection(port1, "server", limits), portConnection(port2, "client", limits)];
}
