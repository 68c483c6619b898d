// SPDX-License-Identifier: BSD-3-Clause
// Keyed BLAKE2s (RFC 7693), written for signing many messages with one key.

#ifndef BLAKE2S_H
#define BLAKE2S_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLAKE2S_BLOCK 64
#define BLAKE2S_KEY 32

typedef struct {
    uint32_t h[8];
    uint32_t size; // bytes of the digest
} blake2s_key;

// RFC 7693 section 2.6
static const uint32_t blake2s_iv[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                       0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

// RFC 7693 section 2.7
static const uint8_t blake2s_sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

static inline uint32_t blake2s_turned(uint32_t x, int by) { return (x >> by) | (x << (32 - by)); }

#define BLAKE2S_G(a, b, c, d, x, y)             \
    do {                                        \
        v[a] = v[a] + v[b] + (x);               \
        v[d] = blake2s_turned(v[d] ^ v[a], 16); \
        v[c] = v[c] + v[d];                     \
        v[b] = blake2s_turned(v[b] ^ v[c], 12); \
        v[a] = v[a] + v[b] + (y);               \
        v[d] = blake2s_turned(v[d] ^ v[a], 8);  \
        v[c] = v[c] + v[d];                     \
        v[b] = blake2s_turned(v[b] ^ v[c], 7);  \
    } while (0)

// RFC 7693 section 3.2; `total` counts the bytes up to the end of this block.
static inline void blake2s_compress(uint32_t h[8], const uint8_t *block, uint64_t total, int last) {
    uint32_t v[16], m[16];
    memcpy(m, block, BLAKE2S_BLOCK); // little-endian, as all machines that this runs on
    memcpy(v, h, 32);
    memcpy(v + 8, blake2s_iv, 32);
    v[12] ^= (uint32_t)total;
    v[13] ^= (uint32_t)(total >> 32);
    if (last)
        v[14] = ~v[14];
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        const uint8_t *s = blake2s_sigma[round];
        BLAKE2S_G(0, 4, 8, 12, m[s[0]], m[s[1]]);
        BLAKE2S_G(1, 5, 9, 13, m[s[2]], m[s[3]]);
        BLAKE2S_G(2, 6, 10, 14, m[s[4]], m[s[5]]);
        BLAKE2S_G(3, 7, 11, 15, m[s[6]], m[s[7]]);
        BLAKE2S_G(0, 5, 10, 15, m[s[8]], m[s[9]]);
        BLAKE2S_G(1, 6, 11, 12, m[s[10]], m[s[11]]);
        BLAKE2S_G(2, 7, 8, 13, m[s[12]], m[s[13]]);
        BLAKE2S_G(3, 4, 9, 14, m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

// The state after the block that holds the key (32 bytes), which all messages share.
static inline void blake2s_set_key(blake2s_key *state, const uint8_t *key, uint32_t size) {
    uint8_t block[BLAKE2S_BLOCK] = {0};
    memcpy(state->h, blake2s_iv, 32);
    state->h[0] ^= 0x01010000u ^ ((uint32_t)BLAKE2S_KEY << 8) ^ size;
    state->size = size;
    memcpy(block, key, BLAKE2S_KEY);
    blake2s_compress(state->h, block, BLAKE2S_BLOCK, 0);
}

// The digest of `length` bytes, of which there must be at least one.
static inline void blake2s(const blake2s_key *key, const uint8_t *data, size_t length,
                           uint8_t *digest) {
    uint32_t h[8];
    uint8_t block[BLAKE2S_BLOCK] = {0};
    uint64_t total = BLAKE2S_BLOCK;
    memcpy(h, key->h, 32);
    while (length > BLAKE2S_BLOCK) {
        total += BLAKE2S_BLOCK;
        blake2s_compress(h, data, total, 0);
        data += BLAKE2S_BLOCK;
        length -= BLAKE2S_BLOCK;
    }
    memcpy(block, data, length);
    blake2s_compress(h, block, total + length, 1);
    memcpy(digest, h, key->size);
}

#endif
