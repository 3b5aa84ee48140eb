/** A Worker that keeps something and does what it is told, in turn.
 *
 * Where a pool's Workers (`pool.ts`) are all alike and take whatever job comes next, an actor has a state of
 * its own, some rows of a matrix or some ciphertexts, so every order goes to the one that it is for. Orders
 * are obeyed in the order in which they were sent, and the caller may send the next before the last is
 * answered. An order that is asked and fails is an error for who asked; one that is only told and fails
 * ends the actor, because nobody can know what state it is in.
 * @module */

/** What an actor is sent. */
interface Message<Order> {
  order: Order;
  /** Whether an answer is expected. */
  asked: boolean;
}

/** What it sends back. */
type Reply<Answer> = { answer: Answer } | { error: string };

/** The Worker's side: obeys every order, one after the other. An answer that is a typed array is given away:
 * it must be the whole of its buffer, and nobody else's.
 * @param ready resolves when orders can be obeyed; those that come before wait. */
export function serveOrders<Order>(
  ready: Promise<unknown>,
  handle: (order: Order) => unknown,
): void {
  const scope = self as unknown as Worker; // the types of this file are those of the main thread
  let last: Promise<unknown> = ready;
  const obey = async ({ order, asked }: Message<Order>) => {
    if (!asked) {
      await handle(order); // what it throws ends the Worker
      return;
    }
    try {
      const answer = await handle(order);
      const given = ArrayBuffer.isView(answer) ? [answer.buffer as ArrayBuffer] : [];
      scope.postMessage({ answer } satisfies Reply<unknown>, given);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      scope.postMessage({ error: text } satisfies Reply<unknown>);
    }
  };
  scope.onmessage = ({ data }: MessageEvent<Message<Order>>) => {
    last = last.then(() => obey(data));
  };
}

/** The caller's side: one Worker and its pending answers. */
export class Actor<Order, Answer> implements Disposable {
  readonly #worker: Worker;
  readonly #pending: PromiseWithResolvers<Answer>[] = [];
  #fault?: Error;

  /** @param url a module that calls {@linkcode serveOrders}.   @param what names its work, in errors. */
  constructor(url: URL, what: string) {
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply<Answer>>) => {
      const next = this.#pending.shift();
      if ("answer" in data) next?.resolve(data.answer);
      else next?.reject(new Error(data.error));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(`Cannot go on with ${what}: ${event.message}`));
    };
  }

  /** Gives an order that has no answer. */
  tell(order: Order, transfer: Transferable[] = []): void {
    this.#worker.postMessage({ order, asked: false } satisfies Message<Order>, transfer);
  }

  /** Gives an order and waits for its answer.
   * @throws {Error} what the order threw, with its text; or the actor has ended. */
  ask<T extends Answer>(order: Order): Promise<T> {
    if (this.#fault) return Promise.reject(this.#fault);
    const answer = Promise.withResolvers<Answer>();
    this.#pending.push(answer);
    this.#worker.postMessage({ order, asked: true } satisfies Message<Order>);
    return answer.promise as Promise<T>;
  }

  #end(fault: Error): void {
    this.#fault ??= fault;
    this.#pending.splice(0).forEach(({ reject }) => reject(this.#fault));
  }

  /** Ends it: what is pending, and whatever it is asked from now on, is refused for this reason. */
  stop(reason: string): void {
    this.#worker.terminate();
    this.#end(new Error(reason));
  }

  [Symbol.dispose](): void {
    this.stop("The Worker was disposed of");
  }
}
