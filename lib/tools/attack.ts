/** `deno task attack`: what a training server makes of single images (attack_images.ts), or of a whole training
 * (attack_training.ts).
 * @module */
import { runCommand, UsageError } from "./args.ts";
import { attackImagesRun, imageFlags, sharedFlags } from "./attack_images.ts";
import { attackTrainingRun, trainingFlags } from "./attack_training.ts";

const command = {
  name: "attack",
  summary: `Recovers images from what an FE-training server decrypts: W1 and z1 = W1·x.

With --against and --attack it recovers training images instead, from what the server of that scheme has of a
whole training, and says how far beyond the mean image of each class they lie. For everything that applies to a
network of your own, see deno task audit.`,
  flags: { ...sharedFlags, ...imageFlags, ...trainingFlags },
} as const;

await runCommand(command, async (options) => {
  const isTraining = options.against !== undefined;
  const others = isTraining ? imageFlags : trainingFlags;
  const stray = Object.keys(others).find((flag) => options[flag as keyof typeof options]);
  if (stray !== undefined) {
    throw new UsageError(
      `--${stray} is for ${isTraining ? "single images, not --against" : "--against"}`,
    );
  }
  return isTraining ? await attackTrainingRun(options) : await attackImagesRun(options);
});
