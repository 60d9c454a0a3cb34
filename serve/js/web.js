// For bundlers: Generator over the onnxruntime-web that npm installed.

import { Generator as Base } from "./generator.js";
import { webRuntime } from "./web-runtime.js";

export class Generator extends Base {
  static runtime = webRuntime({
    wasm: () => import("onnxruntime-web/wasm"),
    webgpu: () => import("onnxruntime-web/webgpu"),
  });
}

export * from "./exports.js";
