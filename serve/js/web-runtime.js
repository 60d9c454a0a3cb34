// onnxruntime-web: reading and opening a model in a browser.

import { DeviceError, DropganError, InputError, ModelError, firstLine } from "./errors.js";

/**
 * @param builds For `wasm` and, where wanted, `webgpu`: { load, wasm }, a function that gives that
 *   build of onnxruntime-web and the address of its WebAssembly file (undefined leaves it to
 *   onnxruntime-web). Only the build that is needed is loaded: each brings many megabytes.
 */
export function webRuntime(builds) {
  const loaded = {};
  const start = (provider) => {
    const { load, wasm } = builds[provider];
    loaded[provider] ??= load().then((ort) => {
      if (wasm !== undefined) ort.env.wasm.wasmPaths = { wasm };
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
      if (error instanceof DropganError) throw error;
      const fault = await fileFault(builds[provider].wasm);
      if (fault !== undefined) throw new DeviceError(`onnxruntime-web cannot start: its file ${fault}`);
      if (/no available backend/.test(error?.message)) {
        throw new DeviceError(`onnxruntime-web cannot start: ${firstLine(error)}`);
      }
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
    throw new InputError(`device must be auto, webgpu or wasm in a browser, not ${String(device).slice(0, 80)}`);
  }
  const adapter = webgpu && (await globalThis.navigator?.gpu?.requestAdapter().catch(() => null));
  if (adapter) return "webgpu";
  if (device === "auto") return "wasm";
  throw new DeviceError("there is no WebGPU in this browser or this package: use device auto or wasm");
}

async function read(source) {
  const { fault, answer } = await ask(source);
  if (fault !== undefined) throw new ModelError(`cannot fetch ${fault}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** What keeps a WebAssembly file from being fetched; onnxruntime-web's own words do not say it. */
async function fileFault(address) {
  if (address === undefined) return undefined;
  const { fault, answer } = await ask(address);
  await answer?.body?.cancel();
  return fault;
}

async function ask(address) {
  let answer;
  try {
    answer = await fetch(address);
  } catch (error) {
    return { fault: `${address}: ${firstLine(error)}` };
  }
  if (!answer.ok) return { fault: `${address}: the server says ${answer.status}` };
  if (answer.headers.get("content-type")?.startsWith("text/html")) {
    return { fault: `${address}: the server gives a web page in its place` }; // as many do for what is not there
  }
  return { answer };
}
