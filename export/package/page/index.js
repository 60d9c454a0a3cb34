// This package in browsers: onnxruntime-web, the model and dropgan's runtime lie beside this file.
// Bundlers find a file by `new URL("./file", import.meta.url)`, written out.

import { embedded } from "./dropgan/embedded.js";
import { Generator as Base } from "./dropgan/generator.js";
import { webRuntime } from "./dropgan/web-runtime.js";

export class Generator extends Base {
  static runtime = webRuntime({
    wasm: {
      load: () => import("./ort/ort.wasm.bundle.min.js"),
      wasm: new URL("./ort/ort-wasm-simd-threaded.wasm", import.meta.url).href,
    },
    // webgpu: begin
    webgpu: {
      load: () => import("./ort/ort.webgpu.bundle.min.js"),
      wasm: new URL("./ort/ort-wasm-simd-threaded.asyncify.wasm", import.meta.url).href,
    },
    // webgpu: end
  });
}

export const model = new URL("./model.onnx", import.meta.url);
export const { generator, sample } = embedded(Generator, model);
export * from "./dropgan/exports.js";
