// For bundlers: Generator over the onnxruntime-web that npm installed.

import { Generator as Base } from "./generator.js";
import { webRuntime } from "./web-runtime.js";

export class Generator extends Base {
  static runtime = webRuntime({
    wasm: { load: () => import("onnxruntime-web/wasm") },
    webgpu: { load: () => import("onnxruntime-web/webgpu") },
  });
}

export * from "./exports.js";
