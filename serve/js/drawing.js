// Graphs as pictures, as Python draws them, to the byte: see serve/graphs/drawing.py.

export const SIDE = 64; // pixels of a drawing, high and wide

const NODE_COLOURS = [
  [36, 41, 47], [37, 99, 235], [220, 38, 38], [22, 163, 74], [217, 119, 6], [147, 51, 234], [8, 145, 178],
];
const EDGE_COLOURS = [[120, 130, 140], [234, 88, 12], [190, 24, 93], [13, 148, 136]];
const kept = new Map(); // strokes by the number of nodes

/**
 * A graph as RGBA bytes, `SIDE` x `SIDE`, on white.
 *
 * @param {Uint8Array} graph types of nodes on the diagonal and of edges beside it, row-major
 * @param {number} nodes
 */
export function draw(graph, nodes) {
  if (!kept.has(nodes)) kept.set(nodes, strokes(nodes));
  const { lines, discs } = kept.get(nodes);
  const paper = new Float32Array(SIDE * SIDE * 3).fill(255);
  for (const { from, to, stroke } of lines) paint(paper, graph[from * nodes + to], stroke, EDGE_COLOURS);
  discs.forEach((stroke, node) => paint(paper, graph[node * nodes + node], stroke, NODE_COLOURS));
  const out = new Uint8ClampedArray(SIDE * SIDE * 4).fill(255); // which rounds halves to even, as numpy does
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    for (let colour = 0; colour < 3; colour++) out[pixel * 4 + colour] = paper[pixel * 3 + colour];
  }
  return out;
}

function paint(paper, type, { places, cover }, colours) {
  if (type === 0) return;
  const chosen = colours[(type - 1) % colours.length];
  places.forEach((place, number) => {
    for (let colour = 0; colour < 3; colour++) {
      const at = place * 3 + colour; // float32 at each step
      paper[at] += Math.fround(cover[number] * Math.fround(chosen[colour] - paper[at]));
    }
  });
}

/** What each edge and each node covers: places of pixels, and how much of them. */
function strokes(nodes) {
  const [middle, radius] = [(SIDE - 1) / 2, SIDE * 0.4];
  const angles = Array.from({ length: nodes }, (_, node) => (2 * Math.PI * node) / nodes - Math.PI / 2);
  const [x, y] = [Math.cos, Math.sin].map((part) =>
    angles.map((angle) => Math.round((middle + radius * part(angle)) * 64) / 64),
  );
  const size = Math.max(1.6, Math.min(4, 26 / nodes));
  const discs = angles.map((_, node) => covered((across, down) => length(across - x[node], down - y[node]), size));
  const lines = [];
  for (let from = 0; from < nodes; from++) {
    for (let to = from + 1; to < nodes; to++) {
      const [right, up] = [x[to] - x[from], y[to] - y[from]];
      const away = (across, down) => {
        const along = ((across - x[from]) * right + (down - y[from]) * up) / (right * right + up * up);
        const near = Math.min(1, Math.max(0, along));
        return length(across - x[from] - near * right, down - y[from] - near * up);
      };
      lines.push({ from, to, stroke: covered(away, 0.8) });
    }
  }
  return { lines, discs };
}

const length = (right, up) => Math.sqrt(right * right + up * up); // Math.hypot rounds otherwise

function covered(distance, radius) {
  const [places, cover] = [[], []];
  for (let place = 0; place < SIDE * SIDE; place++) {
    const part = Math.min(1, Math.max(0, radius + 0.5 - distance(place % SIDE, Math.floor(place / SIDE))));
    if (part > 0) {
      places.push(place);
      cover.push(Math.fround(part));
    }
  }
  return { places, cover };
}
