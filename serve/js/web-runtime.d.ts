/** One build of onnxruntime-web. */
export interface WebBuild {
  /** Gives it, only when it is needed. */
  load: () => Promise<unknown>;
  /** Where its WebAssembly file lies; left to onnxruntime-web by default. */
  wasm?: string;
}

/** A session of onnxruntime on one device. */
export interface Opened {
  session: unknown;
  provider: string;
  Tensor: unknown;
}

/** How a generator reads and opens a model: internal to dropgan. */
export interface Runtime {
  read(source: string | URL): Promise<Uint8Array>;
  /** Open a session and try it out; in browsers `auto` goes on to WebAssembly where that fails. */
  open<Result>(
    bytes: Uint8Array,
    device: string,
    tryOut: (opened: Opened) => Promise<Result>,
  ): Promise<Result>;
}

export function webRuntime(builds: { wasm: WebBuild; webgpu?: WebBuild }): Runtime;
