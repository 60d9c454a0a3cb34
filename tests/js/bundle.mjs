// Bundles an app as its developer would: node bundle.mjs BUNDLER ROOT makes ROOT/out of ROOT/index.html
// and ROOT/main.js. `vite-dev` serves ROOT instead and prints the address.

import { join } from "node:path";
import { promisify } from "node:util";

const [bundler, root] = process.argv.slice(2);
const [entry, out] = [join(root, "main.js"), join(root, "out")];
const vite = { root, configFile: false, logLevel: "error" };

const bundlers = {
  async vite() {
    const { build } = await import("vite");
    await build({ ...vite, base: "./", build: { outDir: out } });
  },
  async "vite-dev"() {
    const { createServer } = await import("vite");
    const server = await createServer({ ...vite, server: { host: "127.0.0.1", port: 0 } });
    await server.listen();
    console.log(server.resolvedUrls.local[0]);
  },
  async webpack() {
    const { default: webpack } = await import("webpack");
    const large = { hints: false }; // WebAssembly is beyond webpack's idea of a page
    const compiler = webpack({ mode: "production", context: root, entry, output: { path: out }, performance: large });
    const stats = await promisify(compiler.run.bind(compiler))();
    const said = stats.toString({ all: false, errors: true, warnings: true });
    if (said !== "") throw new Error(said);
  },
  async esbuild() {
    const { build } = await import("esbuild");
    await build({ entryPoints: [entry], outdir: out, bundle: true, format: "esm", splitting: true, minify: true });
  },
  async rollup() {
    const { rollup } = await import("rollup");
    const { default: resolve } = await import("@rollup/plugin-node-resolve");
    const bundle = await rollup({ input: entry, plugins: [resolve({ browser: true })] });
    await bundle.write({ dir: out, format: "es" });
  },
};

await bundlers[bundler]();
