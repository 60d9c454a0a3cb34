// Where import() is forbidden, as in service workers: WebAssembly alone, imported at once.

import * as ort from "onnxruntime-web/wasm";
import { Generator as Base } from "./generator.js";
import { webRuntime } from "./web-runtime.js";

export class Generator extends Base {
  static runtime = webRuntime({ wasm: { load: async () => ort } });
}

export * from "./exports.js";
