// This package in browsers: onnxruntime-web, the model and dropgan's runtime lie beside this file.

import { embedded } from "./dropgan/embedded.js";
import { Generator as Base } from "./dropgan/generator.js";
import { webRuntime } from "./dropgan/web-runtime.js";

const file = (name) => new URL(name, import.meta.url).href;

export class Generator extends Base {
  static runtime = webRuntime({
    wasm: {
      load: () => import("./ort/ort.wasm.min.js"),
      paths: { mjs: file("./ort/ort-wasm-simd-threaded.js"), wasm: file("./ort/ort-wasm-simd-threaded.wasm") },
    },
    // webgpu: begin
    webgpu: {
      load: () => import("./ort/ort.webgpu.min.js"),
      paths: {
        mjs: file("./ort/ort-wasm-simd-threaded.asyncify.js"),
        wasm: file("./ort/ort-wasm-simd-threaded.asyncify.wasm"),
      },
    },
    // webgpu: end
  });
}

export const model = new URL("./model.onnx", import.meta.url);
export const { generator, sample } = embedded(Generator, model);
export * from "./dropgan/exports.js";
