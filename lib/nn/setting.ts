/** Two ways to train the same network: the authors', to reproduce, and one of today.
 *
 * A setting is data for the one training loop (train.ts): `trainMlp(network, data, MODERN)`.
 * @module */

/** How to train. */
export interface Setting {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Whether the learning rate falls linearly to 0 over the run. */
  readonly anneal: boolean;
  /** Output function, and with it the loss: the cross-entropy of each output, or of all together. */
  readonly output: "sigmoid" | "softmax";
  readonly optimizer: "sgd" | "adam";
  /** Whether every epoch takes the images in a new random order. */
  readonly shuffle: boolean;
  /** The network works on pixel · pixelScale; its W1 is kept for pixels in 0..255 all the same. */
  readonly pixelScale: number;
  /** What the summed gradients of b1, W2 and b2 are divided by; W1's always by the batch size. */
  readonly divideBy: "batch" | "classes";
}

/** The authors': bytes 0..255 as they are, the data's order, plain gradient descent. The division by the
 * number of classes where one expects the batch size is theirs (mitigation1_server.py takes the length
 * of a label for the batch size); it makes their server's learning rate m/c times larger, and we keep it
 * because their accuracy depends on it. Start from `initMlp`.
 * @see Juve45/cryptonn, mitigation1_server.py and mitigation2_client.py. */
export const AUTHORS: Setting = {
  epochs: 10,
  batch: 250,
  learningRate: 0.005,
  anneal: false,
  output: "sigmoid",
  optimizer: "sgd",
  shuffle: false,
  pixelScale: 1,
  divideBy: "classes",
};

/** A modern one for the same 784-300-10 network with a sigmoid hidden layer. Start from `glorotMlp`. */
export const MODERN: Setting = {
  epochs: 10,
  batch: 256,
  learningRate: 0.01,
  anneal: true,
  output: "softmax",
  optimizer: "adam",
  shuffle: true,
  pixelScale: 1 / 255,
  divideBy: "batch",
};
