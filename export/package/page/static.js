// This package where import() is forbidden, as in service workers: WebAssembly alone, imported at once.

import { embedded } from "./dropgan/embedded.js";
import { Generator as Base } from "./dropgan/generator.js";
import { webRuntime } from "./dropgan/web-runtime.js";
import * as ort from "./ort/ort.wasm.bundle.min.js";

export class Generator extends Base {
  static runtime = webRuntime({
    wasm: {
      load: async () => ort,
      wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url).href,
    },
  });
}

export const model = new URL("./model.onnx", import.meta.url);
export const { generator, sample } = embedded(Generator, model);
export * from "./dropgan/exports.js";
