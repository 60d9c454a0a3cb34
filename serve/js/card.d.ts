/** One score of a model file. */
export interface Score {
  readonly name: string;
  readonly value: number;
  readonly samples: number;
  readonly reference: string;
}

/** What a model file says of itself; further keys may be there. */
export interface Card {
  /** Version of this layout, `major.minor`. */
  readonly schema: string;
  readonly data: {
    readonly kind: string;
    /** Shape of one sample: [height, width, channels] for images, [nodes, nodes] for graphs. */
    readonly shape: readonly number[];
    readonly name: string;
    readonly fingerprint: string;
    readonly samples: number;
    readonly class_names: readonly string[];
    /** Names of the types of nodes of graphs, from type 1 on; absent before schema 1.4. */
    readonly node_types?: readonly string[];
    /** The same of edges. */
    readonly edge_types?: readonly string[];
  };
  /** Absent in files from before labels; 0 classes in a model without. */
  readonly labels?: {
    readonly classes: number;
    readonly stream: string;
    /** The data's own number of the class at each place; absent before schema 1.3. */
    readonly numbers?: readonly number[];
    /** Samples of the class at each place in the training data. */
    readonly counts?: readonly number[];
  };
  readonly latents: { readonly dim: number; readonly stream: string };
  readonly architecture: { readonly name: string; readonly parameters: number };
  readonly dropout: {
    readonly generator: number;
    readonly discriminator: number;
    readonly disabled: boolean;
  };
  readonly training: {
    readonly recipe: string;
    readonly steps: number;
    readonly seed: number;
    readonly ema: boolean;
    readonly versions: Readonly<Record<string, string>>;
  };
  readonly export: {
    readonly opset: number;
    readonly precision: string;
    readonly output: "pixels" | "float";
    /** Order of the file's axes; empty for the usual one. A generator gives pixels channels last. */
    readonly layout?: string;
    readonly parity: Readonly<Record<string, unknown>>;
  };
  readonly scores: readonly Score[];
}

/**
 * Read and check the card in the bytes of a model file.
 *
 * @throws ModelError The bytes are no ONNX file, or have no card or one of another version.
 */
export function readCard(bytes: Uint8Array): Card;
