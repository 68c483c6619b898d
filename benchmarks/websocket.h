// SPDX-License-Identifier: BSD-3-Clause
// Websocket frames (RFC 6455 section 5), as far as a load generator and its peers need them.

#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

#define MAX_HEADER 14
#define MAX_CONTROL 125

// Write the header of an unfragmented frame; returns its size. `mask` is null in a server.
static inline size_t frame_header(uint8_t *out, int opcode, uint64_t length, const uint8_t *mask) {
    uint8_t masked = mask ? 0x80 : 0;
    size_t size;
    out[0] = (uint8_t)(0x80 | opcode);
    if (length < 126) {
        out[1] = (uint8_t)(masked | length);
        size = 2;
    } else if (length < 65536) {
        out[1] = masked | 126;
        out[2] = (uint8_t)(length >> 8);
        out[3] = (uint8_t)length;
        size = 4;
    } else {
        out[1] = masked | 127;
        for (int i = 0; i < 8; i++)
            out[2 + i] = (uint8_t)(length >> (56 - 8 * i));
        size = 10;
    }
    if (mask) {
        memcpy(out + size, mask, 4);
        size += 4;
    }
    return size;
}

// Copy `length` bytes, masked or unmasked. Both must have room for 7 bytes more.
static inline void mask_copy(uint8_t *out, const uint8_t *in, size_t length, const uint8_t *mask) {
    uint64_t word, key;
    memcpy(&key, mask, 4);
    memcpy((uint8_t *)&key + 4, mask, 4);
    for (size_t i = 0; i < length; i += 8) {
        memcpy(&word, in + i, 8);
        word ^= key;
        memcpy(out + i, &word, 8);
    }
}

// How long a header is that begins with these two bytes.
static inline int header_size(const uint8_t *head) {
    int length = head[1] & 0x7F;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (head[1] & 0x80 ? 4 : 0);
}

// The length that a complete header announces.
static inline uint64_t payload_size(const uint8_t *head) {
    uint64_t length = head[1] & 0x7F;
    if (length == 126)
        return (uint64_t)head[2] << 8 | head[3];
    if (length == 127) {
        length = 0;
        for (int i = 0; i < 8; i++)
            length = length << 8 | head[2 + i];
    }
    return length;
}

#endif
