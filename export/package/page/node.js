// This package in Node: onnxruntime-node comes from npm, the model lies beside this file.

import { embedded } from "./dropgan/embedded.js";
import { Generator } from "./dropgan/node.js";

export const model = new URL("./model.onnx", import.meta.url);
export const { generator, sample } = embedded(Generator, model);
export * from "./dropgan/node.js";
