// SHA-256 (FIPS 180-4), of model files and of seeds that are text. The browser's own is asynchronous, and
// missing in pages that come by plain HTTP.

const BLOCK = 64;

// 32 bits behind the point of the square roots of the first 8 primes, and of the cube roots of 64
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const ROOTS = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

/** The digest of parts, one after another, in hexadecimal. */
export function sha256(parts) {
  const state = Int32Array.from(START);
  const pending = new Uint8Array(2 * BLOCK);
  let [filled, total] = [0, 0];
  for (let part of parts) {
    total += part.length;
    if (filled > 0) {
      const taken = part.subarray(0, BLOCK - filled);
      pending.set(taken, filled);
      filled += taken.length;
      part = part.subarray(taken.length);
      if (filled < BLOCK) continue;
      compress(state, pending, 0);
    }
    const whole = part.length - (part.length % BLOCK);
    for (let place = 0; place < whole; place += BLOCK) compress(state, part, place);
    pending.set(part.subarray(whole));
    filled = part.length - whole;
  }
  pending.fill(0, filled).set([128], filled);
  const end = filled < BLOCK - 8 ? BLOCK : 2 * BLOCK;
  new DataView(pending.buffer).setBigUint64(end - 8, BigInt(total) * 8n);
  for (let place = 0; place < end; place += BLOCK) compress(state, pending, place);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

const words = new Int32Array(64);

function compress(state, bytes, place) {
  for (let t = 0; t < 16; t++, place += 4) {
    words[t] = (bytes[place] << 24) | (bytes[place + 1] << 16) | (bytes[place + 2] << 8) | bytes[place + 3];
  }
  for (let t = 16; t < 64; t++) {
    const [early, late] = [words[t - 15], words[t - 2]];
    const first = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const second = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    words[t] = words[t - 16] + first + words[t - 7] + second;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROOTS[t] + words[t]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function turn(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}
