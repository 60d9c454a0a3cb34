// Philox4x64-10 (Salmon et al., SC 2011), whose words all streams are made of.

export const COUNTER_WORDS = 8; // a block has 256 bits, kept as eight 32-bit words, lowest first

const ROUNDS = 10;

// 64-bit constants as [high, low] halves: JavaScript's fast integers have 32 bits.
const [M0_HIGH, M0_LOW] = [0xd2e7470e, 0xe14c6c93];
const [M1_HIGH, M1_LOW] = [0xca5a8263, 0x95121157];
const [W0_HIGH, W0_LOW] = [0x9e3779b9, 0x7f4a7c15];
const [W1_HIGH, W1_LOW] = [0xbb67ae85, 0x84caa73b];

/** The key (seed, stream) as four 32-bit words. */
export function splitKey(seed, stream) {
  return [Number(seed & 0xffffffffn), Number(seed >> 32n), stream, 0];
}

export function splitCounter(value) {
  const words = new Uint32Array(COUNTER_WORDS);
  for (let place = 0; value > 0n; place++, value >>= 32n) words[place] = Number(value & 0xffffffffn);
  return words;
}

export function increment(counter) {
  for (let place = 0; place < COUNTER_WORDS; place++) {
    counter[place] += 1;
    if (counter[place] !== 0) return;
  }
}

/** The four 64-bit words of one block, as eight 32-bit halves, low half first. */
export function philox4x64(out, counter, key) {
  let [aLow, aHigh, bLow, bHigh, cLow, cHigh, dLow, dHigh] = counter;
  let [k0Low, k0High, k1Low, k1High] = key;
  for (let round = 0; round < ROUNDS; round++) {
    // the 128-bit products a * M0 and c * M1, from four 32-bit products each
    let low = high32(aLow, M0_LOW) + low32(aLow, M0_HIGH) + low32(aHigh, M0_LOW);
    let high =
      high32(aLow, M0_HIGH) + high32(aHigh, M0_LOW) + low32(aHigh, M0_HIGH) + Math.floor(low / 2 ** 32);
    const left0 = low32(aLow, M0_LOW);
    const left1 = low >>> 0;
    const left2 = high >>> 0;
    const left3 = high32(aHigh, M0_HIGH) + Math.floor(high / 2 ** 32);
    low = high32(cLow, M1_LOW) + low32(cLow, M1_HIGH) + low32(cHigh, M1_LOW);
    high =
      high32(cLow, M1_HIGH) + high32(cHigh, M1_LOW) + low32(cHigh, M1_HIGH) + Math.floor(low / 2 ** 32);
    const right0 = low32(cLow, M1_LOW);
    const right1 = low >>> 0;
    const right2 = high >>> 0;
    const right3 = high32(cHigh, M1_HIGH) + Math.floor(high / 2 ** 32);

    aLow = (right2 ^ bLow ^ k0Low) >>> 0;
    aHigh = (right3 ^ bHigh ^ k0High) >>> 0;
    cLow = (left2 ^ dLow ^ k1Low) >>> 0;
    cHigh = (left3 ^ dHigh ^ k1High) >>> 0;
    [bLow, bHigh, dLow, dHigh] = [right0, right1, left0, left1];

    k0High = (k0High + W0_HIGH + (k0Low + W0_LOW >= 2 ** 32 ? 1 : 0)) >>> 0;
    k0Low = (k0Low + W0_LOW) >>> 0;
    k1High = (k1High + W1_HIGH + (k1Low + W1_LOW >= 2 ** 32 ? 1 : 0)) >>> 0;
    k1Low = (k1Low + W1_LOW) >>> 0;
  }
  out[0] = aLow;
  out[1] = aHigh;
  out[2] = bLow;
  out[3] = bHigh;
  out[4] = cLow;
  out[5] = cHigh;
  out[6] = dLow;
  out[7] = dHigh;
}

export function low32(a, b) {
  return Math.imul(a, b) >>> 0;
}

/** The upper half of the product of two 32-bit numbers; every step stays below 2**53. */
export function high32(a, b) {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const cross = aHigh * bLow + ((aLow * bLow) >>> 16);
  return aHigh * bHigh + (cross >>> 16) + ((aLow * bHigh + (cross & 0xffff)) >>> 16);
}
