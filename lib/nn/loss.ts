/** The two output functions and their cross-entropies, for which alike dz2 = a2 − y.
 * @module */

/** Output function, and with it the loss: the cross-entropy of each output by itself (the authors'), or of
 * all together. */
export type Output = "sigmoid" | "softmax";

/** Loss of a batch, and its gradient at the outputs, in one pass.
 *
 *   softmax: −log softmax(z)_y = log Σ exp z − z_y;  sigmoid: Σ −y·log σ(z) − (1−y)·log(1−σ(z)) = Σ softplus(z) − z_y
 *
 * @param z2 `[m, classes]`.   @param labels `[m]`, each in [0, classes).
 * @returns dz2 = a2 − y `[m, classes]`, not divided by m, and the summed loss. */
export function lossGradient(
  z2: Float32Array,
  labels: Uint8Array,
  output: Output,
): { dz2: Float32Array; loss: number } {
  const classes = z2.length / labels.length;
  const dz2 = new Float32Array(z2.length);
  let loss = 0;
  labels.forEach((label, k) => {
    const z = z2.subarray(k * classes, (k + 1) * classes);
    const d = dz2.subarray(k * classes, (k + 1) * classes);
    if (output === "softmax") {
      const largest = Math.max(...z);
      let total = 0;
      for (let i = 0; i < classes; i++) total += d[i] = Math.exp(z[i] - largest);
      for (let i = 0; i < classes; i++) d[i] /= total;
      loss += largest + Math.log(total);
    } else {
      for (let i = 0; i < classes; i++) {
        d[i] = 1 / (1 + Math.exp(-z[i]));
        loss += Math.max(z[i], 0) + Math.log1p(Math.exp(-Math.abs(z[i])));
      }
    }
    loss -= z[label];
    d[label] -= 1;
  });
  return { dz2, loss };
}
