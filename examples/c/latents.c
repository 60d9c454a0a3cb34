#include "latents.h"

#include <math.h>

typedef unsigned __int128 u128;

/* Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), for a
 * counter of which only the lower half is ever used. */
static void philox4x64(uint64_t out[4], u128 counter, uint64_t seed)
{
    uint64_t a = (uint64_t)counter, b = (uint64_t)(counter >> 64), c = 0, d = 0;
    uint64_t first = seed, second = 0;
    for (int round = 0; round < 10; round++) {
        u128 left = (u128)a * 0xD2E7470EE14C6C93u, right = (u128)c * 0xCA5A826395121157u;
        a = (uint64_t)(right >> 64) ^ b ^ first;
        b = (uint64_t)right;
        c = (uint64_t)(left >> 64) ^ d ^ second;
        d = (uint64_t)left;
        first += 0x9E3779B97F4A7C15u;
        second += 0xBB67AE8584CAA73Bu;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

static double uniform(uint32_t word)
{
    return ((word >> 9) + 0.5) / 8388608.0;
}

void dropgan_latents(float *out, size_t dim, size_t count, uint64_t seed, uint64_t start)
{
    const double two_pi = 6.283185307179586;
    size_t blocks = (dim + 7) / 8;
    u128 counter = (u128)start * blocks + 1;
    for (size_t sample = 0; sample < count; sample++, out += dim) {
        for (size_t block = 0; block < blocks; block++, counter++) {
            uint64_t words[4];
            philox4x64(words, counter, seed);
            for (size_t pair = 0; pair < 4; pair++) {
                size_t place = 8 * block + 2 * pair;
                double radius = sqrt(-2 * log(uniform((uint32_t)words[pair])));
                double angle = two_pi * uniform((uint32_t)(words[pair] >> 32));
                if (place < dim)
                    out[place] = (float)(radius * cos(angle));
                if (place + 1 < dim)
                    out[place + 1] = (float)(radius * sin(angle));
            }
        }
    }
}
