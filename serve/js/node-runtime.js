// onnxruntime-node: reading and opening a model in Node.

import { readFile } from "node:fs/promises";
import { DeviceError, InputError, ModelError } from "./errors.js";

export const nodeRuntime = {
  async read(source) {
    try {
      if (/^https?:/.test(String(source))) {
        const answer = await fetch(source);
        if (!answer.ok) throw new Error(`the server says ${answer.status}`);
        return new Uint8Array(await answer.arrayBuffer());
      }
      const isFileUrl = typeof source === "string" && source.startsWith("file:");
      return new Uint8Array(await readFile(isFileUrl ? new URL(source) : source));
    } catch (error) {
      throw new ModelError(`cannot read ${source}: ${error.message}`);
    }
  },

  async open(bytes, device, tryOut) {
    if (device !== "auto" && device !== "cpu") {
      throw new InputError(`device must be auto or cpu in Node, not ${device}`);
    }
    let ort;
    try {
      ort = await import("onnxruntime-node");
    } catch (error) {
      throw new DeviceError(`onnxruntime-node cannot be loaded (${error.message}): npm install onnxruntime-node`);
    }
    const options = { executionProviders: ["cpu"], logSeverityLevel: 4 };
    try {
      const session = await ort.InferenceSession.create(bytes, options);
      return await tryOut({ session, provider: "cpu", Tensor: ort.Tensor });
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError(`the model cannot be loaded: ${String(error.message).split("\n")[0].slice(0, 300)}`);
    }
  },
};
