// onnxruntime-web: reading and opening a model in a browser.

import { DeviceError, InputError, ModelError } from "./errors.js";

/**
 * @param builds For `wasm` and, where wanted, `webgpu`: { load, paths }, a function that imports that
 *   build of onnxruntime-web and where its WebAssembly files lie ({ mjs, wasm }; undefined leaves it
 *   to onnxruntime-web). Only the build that is needed is loaded: each brings many megabytes.
 */
export function webRuntime(builds) {
  const loaded = {};
  const start = (provider) => {
    const { load, paths } = builds[provider];
    loaded[provider] ??= load().then((ort) => {
      if (paths !== undefined) ort.env.wasm.wasmPaths = paths;
      ort.env.wasm.numThreads = 1; // generators are small, and threads would need special headers
      ort.env.logLevel = "error";
      return ort;
    });
    return loaded[provider];
  };
  const openOn = async (provider, bytes, tryOut) => {
    let ort;
    try {
      ort = await start(provider);
    } catch (error) {
      delete loaded[provider];
      throw new DeviceError(`onnxruntime-web cannot be loaded (${firstLine(error)})`);
    }
    try {
      const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] });
      return await tryOut({ session, provider, Tensor: ort.Tensor });
    } catch (error) {
      if (error instanceof ModelError) throw error;
      throw new ModelError(`the model cannot be loaded on ${provider}: ${firstLine(error)}`);
    }
  };
  return {
    read,
    async open(bytes, device, tryOut) {
      const provider = await choose(device, "webgpu" in builds);
      if (device !== "auto" || provider === "wasm") return openOn(provider, bytes, tryOut);
      // an adapter is a promise only: drivers that cannot keep it are common
      return openOn(provider, bytes, tryOut).catch(() => openOn("wasm", bytes, tryOut));
    },
  };
}

async function choose(device, webgpu) {
  if (device === "wasm") return device;
  if (device !== "auto" && device !== "webgpu") {
    throw new InputError(`device must be auto, webgpu or wasm in a browser, not ${device}`);
  }
  const adapter = webgpu && (await globalThis.navigator?.gpu?.requestAdapter().catch(() => null));
  if (adapter) return "webgpu";
  if (device === "auto") return "wasm";
  throw new DeviceError("there is no WebGPU in this browser or this package: take device auto or wasm");
}

async function read(source) {
  let answer;
  try {
    answer = await fetch(source);
  } catch (error) {
    throw new ModelError(`cannot fetch ${source}: ${firstLine(error)}`);
  }
  if (!answer.ok) throw new ModelError(`cannot fetch ${source}: the server says ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function firstLine(error) {
  return String(error?.message ?? error).split("\n")[0].slice(0, 300);
}
