/* The latent stream philox4x64-boxmuller-v1 (docs/latents.md): sample i of seed s as a pure function
 * of (s, i). Needs a compiler with 128-bit integers: GCC or Clang on a 64-bit machine. */

#ifndef DROPGAN_LATENTS_H
#define DROPGAN_LATENTS_H

#include <stddef.h>
#include <stdint.h>

/* Fill out[count * dim], row by row, with the latents of samples start to start + count - 1. */
void dropgan_latents(float *out, size_t dim, size_t count, uint64_t seed, uint64_t start);

#endif
