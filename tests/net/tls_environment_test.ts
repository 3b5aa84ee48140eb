/** What a variable of the environment must not change: whom the client gives its token. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { permitted, withFolder } from "../tools/fixtures.ts";
import { selfSigned } from "lib/net/certificate.ts";

/** The client's side as a process: says how its attempt ended. */
const CLIENT = `
const { connect } = await import(Deno.args[0]);
const [, url, caCert] = Deno.args;
try {
  const connection = await connect(url, { token: "a-secret", caCert });
  console.log("connected to", connection.peer);
} catch (error) {
  console.log(error.message);
}
Deno.exit();`;

Deno.test({
  name:
    "connect() gives its token to no server with another certificate, whatever the environment says",
  ignore: !permitted,
  fn: () =>
    withFolder(async (folder) => {
      const [own, other] = [selfSigned(["localhost"]), selfSigned(["localhost"])];
      const heard: (string | null)[] = [];
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, ...own, onListen: () => {} },
        ({ headers }) => {
          heard.push(headers.get("authorization"));
          return new Response("no\n", { status: 401 });
        },
      );
      const url = `wss://localhost:${server.addr.port}`;
      await Deno.writeTextFile(`${folder}/client.ts`, CLIENT);
      await Deno.writeTextFile(`${folder}/own.pem`, own.cert);
      const root = new URL("../../", import.meta.url);
      const attempt = async (env: Record<string, string>, caCert: string) => {
        const { stdout } = await new Deno.Command(Deno.execPath(), {
          args: [
            ...["run", "--quiet", "-A", "--config", new URL("deno.json", root).pathname],
            ...[`${folder}/client.ts`, new URL("lib/net/websocket.ts", root).href],
            ...[url, caCert],
          ],
          env,
          stderr: "null",
        }).output();
        return new TextDecoder().decode(stdout);
      };
      const environments: Record<string, string>[] = [
        { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
        { NODE_EXTRA_CA_CERTS: `${folder}/own.pem`, DENO_CERT: `${folder}/own.pem` },
        { SSL_CERT_FILE: `${folder}/own.pem`, DENO_TLS_CA_STORE: "system" },
        { NODE_OPTIONS: "--use-openssl-ca", DENO_NO_VERIFY: "1" },
      ];
      const answers = await Promise.all(environments.map((env) => attempt(env, other.cert)));
      for (const answer of answers) assertStringIncludes(answer, "unable to verify");
      assertEquals(heard, []);
      assertStringIncludes(await attempt(environments[0], own.cert), "refused the token");
      assertEquals(heard, ["Bearer a-secret"]);
    }),
});
