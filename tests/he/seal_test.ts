import { assertEquals, assertRejects } from "@std/assert";
import { Ckks } from "lib/he/ckks.ts";
import { startSeal } from "lib/he/seal.ts";
import { ignore, sealTest, SMALL } from "./fixtures.ts";

Deno.test({
  name: "startSeal() says which permission is missing",
  ignore: !ignore,
  async fn() {
    await assertRejects(startSeal, Error, "Cannot start SEAL: ");
    await assertRejects(() => Ckks.setup(SMALL), Error, "allow it with --allow-read");
  },
});

sealTest("startSeal() starts it once, and setup() sets parameters up once", async () => {
  assertEquals(await startSeal() === await startSeal(), true);
  assertEquals(await Ckks.setup(SMALL) === await Ckks.setup({ ...SMALL }), true);
});
