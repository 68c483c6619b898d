// SPDX-License-Identifier: BSD-3-Clause
// The least that a websocket fan-out can be: what comes in on one port goes to all on another.
//
// No handshake, no decoding, no state, no limits. `each` writes every message to every subscriber
// with a call of its own, as most brokers do; `shared` writes to each subscriber once in a turn of
// the event loop all that came in during the turn. Prints the two ports when it is ready.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket.h"

#define ROOM (2 * 1024 * 1024)
#define CHUNK (256 * 1024) // what asyncio reads at once
#define SLACK 64

typedef struct client {
    int fd;
    enum { LISTEN_PUB, LISTEN_SUB, PUB, SUB } role;
    uint8_t *in;
    size_t have;
} client;

static client **subscribers;
static int subscribers_count, subscribers_room, poller;
static uint8_t *out;
static size_t out_size;
static int shared;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static client *watch(int fd, int role) {
    client *c = calloc(1, sizeof *c);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (!c)
        die("calloc");
    c->fd = fd;
    c->role = role;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
    return c;
}

static int listen_on(int role) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    watch(fd, role);
    return ntohs(address.sin_port);
}

static void leave(client *c) {
    for (int i = 0; i < subscribers_count; i++)
        if (subscribers[i] == c)
            subscribers[i] = subscribers[--subscribers_count];
    close(c->fd);
    free(c->in);
    free(c);
}

static void join(client *listener) {
    int one = 1, fd = accept(listener->fd, NULL, NULL);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    client *c = watch(fd, listener->role == LISTEN_PUB ? PUB : SUB);
    if (c->role == PUB) {
        c->in = malloc(ROOM + SLACK);
        if (!c->in)
            die("malloc");
        return;
    }
    if (subscribers_count == subscribers_room) {
        subscribers_room = subscribers_room ? 2 * subscribers_room : 64;
        subscribers = realloc(subscribers, sizeof *subscribers * (size_t)subscribers_room);
        if (!subscribers)
            die("realloc");
    }
    subscribers[subscribers_count++] = c;
}

static void write_all(int fd, const uint8_t *data, size_t size) {
    while (size) { // blocking: nothing is lost, and the publishers wait
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

static void write_out(void) {
    for (int i = 0; i < subscribers_count && out_size; i++)
        write_all(subscribers[i]->fd, out, out_size);
    out_size = 0;
}

static void forward(const uint8_t *payload, size_t size, int opcode, const uint8_t *mask) {
    if (out_size + size + MAX_HEADER + SLACK > ROOM)
        write_out();
    out_size += frame_header(out + out_size, opcode, size, NULL);
    mask_copy(out + out_size, payload, size, mask);
    out_size += size;
    if (!shared)
        write_out();
}

static void take(client *c) {
    size_t want = ROOM - c->have < CHUNK ? ROOM - c->have : CHUNK, at = 0;
    ssize_t n = recv(c->fd, c->in + c->have, want, 0);
    if (n <= 0) {
        leave(c);
        return;
    }
    c->have += (size_t)n;
    while (c->have - at >= 2) {
        uint8_t *head = c->in + at;
        size_t header = (size_t)header_size(head);
        if (c->have - at < header)
            break;
        size_t size = payload_size(head);
        if (c->have - at < header + size)
            break;
        if ((head[0] & 15) < CLOSE)
            forward(head + header, size, head[0] & 15, head + header - 4);
        at += header + size;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
}

int main(int count, char **arguments) {
    struct epoll_event events[64];
    if (count != 2 || (strcmp(arguments[1], "each") && strcmp(arguments[1], "shared")))
        return 2;
    shared = !strcmp(arguments[1], "shared");
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(0);
    out = malloc(ROOM + SLACK);
    int publish = listen_on(LISTEN_PUB), subscribe = listen_on(LISTEN_SUB);
    printf("%d %d\n", publish, subscribe);
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(poller, events, 64, -1);
        for (int i = 0; i < n; i++) {
            client *c = events[i].data.ptr;
            if (c->role == LISTEN_PUB || c->role == LISTEN_SUB)
                join(c);
            else if (c->role == PUB)
                take(c);
            else {
                uint8_t ignored[512];
                if (recv(c->fd, ignored, sizeof ignored, MSG_DONTWAIT) == 0)
                    leave(c);
            }
        }
        write_out();
    }
}
