/* Seeds from text (docs/latents.md): digits below 2**64 are that number; of any other UTF-8 text the seed
 * is the first 8 bytes, big-endian, of its SHA-256. */

#ifndef DROPGAN_SEED_H
#define DROPGAN_SEED_H

#include <stdint.h>

uint64_t dropgan_seed(const char *text);

#endif
