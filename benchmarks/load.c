// SPDX-License-Identifier: BSD-3-Clause
// A load generator for brokers that speak websocket: one thread, one event loop.
//
// It gets connected sockets (inherited descriptors) whose handshakes are done, and a description
// of what to send on them as lines on standard input; see generator.py, which writes it. The
// result is one JSON object on standard output.
//
// Every message holds a marker ('@', nowhere else in it) and behind it 16 hex digits for the time
// at which it was sent. Messages are counted by their markers, in whatever way the broker packs
// them: one to a frame, several MQTT or NATS packets to a frame, or a JSON array.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "blake2s.h"
#include "measure.h"
#include "websocket.h"

#define SECOND 1000000000.0
#define STAMP 16
#define CHUNK (256 * 1024) // read at once; stays in the second-level cache
#define FILL (64 * 1024)   // kept ready to be written, per publisher
#define SLACK 64
#define QUIET (0.3 * SECOND) // nothing more is coming
#define AHEAD_TIME 0.25       // how far publishers may be ahead of the slowest subscriber, in s,
#define AHEAD_LEAST 200       // and in messages
#define STALL (0.05 * SECOND) // what publishers still wait for will not come

enum role { PUBLISHER, SUBSCRIBER, NEWCOMER };
enum state { CONNECTING, REQUESTED, OPEN, CLOSED, WAITING };

typedef struct {
    uint8_t *data;
    size_t size, stamp; // where the 16 digits are
    uint64_t last;      // the time sent last
} message;

typedef struct {
    int fd;
    enum role role;
    enum state state;
    // what comes in
    uint8_t marker;
    uint64_t messages, frames, bytes;
    uint8_t head[MAX_HEADER];
    int head_have, opcode;
    uint64_t left; // of the payload of the current frame
    uint8_t control[MAX_CONTROL];
    int control_have, digits; // digits of a stamp that are still to come
    uint64_t stamp;
    // a publisher's messages
    message *templates;
    int templates_count, next, gather, send_opcode;
    char *prefix, *separator, *suffix;
    bool sealed, armed;
    blake2s_key key;
    uint64_t seq, sent;
    uint8_t *out, *scratch;
    size_t out_from, out_to, out_room;
    // a newcomer's progress
    uint64_t began, upgraded, done, retry;
} peer;

static struct {
    char mode[16];
    double seconds, warmup, rate, gap, patience;
    uint64_t count, ahead, expect;
    pid_t server;
    bool spin, dump;
    int port, newcomers;
    uint8_t *request, *hello;
    size_t request_size, hello_size;
} plan = {.seconds = 1, .patience = 10, .spin = true};

static peer *peers;
static int peers_count, publishers, subscribers, poller;
static histogram delays, joins, upgrades;
static uint64_t random_state = 0x9E3779B97F4A7C15u;
static uint64_t arrived, last_arrival, sent, measured_from = UINT64_MAX, turn_stamp, turn_arrived;
static uint64_t closed, broken, refused, missed, turns, newcomer_bytes;
static int complete;
static uint64_t idle, lost;
static bool all_stamps;
static uint8_t chunk[CHUNK + SLACK];

static void die(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(2);
}

static uint64_t random_bits(void) { // xorshift64*
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

static double random_share(void) { return ((double)(random_bits() >> 11) + 1) / 9007199254740993.0; }

static void watch(peer *p, int how, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = p};
    if (epoll_ctl(poller, how, p->fd, &event) != 0)
        die("cannot watch a socket");
}

static void arm(peer *p, bool armed) {
    if (p->armed == armed || p->state == CLOSED)
        return;
    p->armed = armed;
    watch(p, EPOLL_CTL_MOD, EPOLLIN | (armed ? EPOLLOUT : 0));
}

static void end(peer *p) {
    if (p->state == CLOSED)
        return;
    p->state = CLOSED;
    close(p->fd);
    closed++;
}

// ---- sending

static void put_hex(uint8_t *out, uint64_t value) {
    for (int i = STAMP - 1; i >= 0; i--, value >>= 4)
        out[i] = (uint8_t)"0123456789abcdef"[value & 15];
}

static uint8_t *put_message(peer *p, uint8_t *at, uint64_t stamp) {
    message *m = &p->templates[p->next];
    p->next = p->next + 1 == p->templates_count ? 0 : p->next + 1;
    memcpy(at, m->data, m->size);
    put_hex(at + m->stamp, stamp);
    m->last = stamp;
    return at + m->size;
}

// Sequence number and signature, as docs/reference/wire.md says.
static uint8_t *put_seal(peer *p, uint8_t *start, uint8_t *at) {
    uint8_t digest[16];
    at--; // the closing brace
    at += sprintf((char *)at, ",\"seq\":%llu", (unsigned long long)p->seq++);
    blake2s(&p->key, start, (size_t)(at - start), digest);
    at = (uint8_t *)stpcpy((char *)at, ",\"sig\":\"");
    for (int i = 0; i < 16; i++) {
        *at++ = (uint8_t)"0123456789abcdef"[digest[i] >> 4];
        *at++ = (uint8_t)"0123456789abcdef"[digest[i] & 15];
    }
    return (uint8_t *)stpcpy((char *)at, "\"}");
}

static void put_frame(peer *p, int opcode, const uint8_t *payload, size_t size) {
    uint64_t bits = random_bits();
    uint8_t *at = p->out + p->out_to;
    at += frame_header(at, opcode, size, (uint8_t *)&bits);
    mask_copy(at, payload, size, (uint8_t *)&bits);
    p->out_to = (size_t)(at - p->out) + size;
}

// One more frame of `count` messages into the buffer.
static void produce(peer *p, int count, uint64_t stamp) {
    uint8_t *at = p->scratch;
    if (count > 1)
        at = (uint8_t *)stpcpy((char *)at, p->prefix);
    for (int i = 0; i < count; i++) {
        if (i)
            at = (uint8_t *)stpcpy((char *)at, p->separator);
        at = put_message(p, at, stamp);
    }
    if (count > 1)
        at = (uint8_t *)stpcpy((char *)at, p->suffix);
    if (p->sealed)
        at = put_seal(p, p->scratch, at);
    put_frame(p, p->send_opcode, p->scratch, (size_t)(at - p->scratch));
    p->sent += (uint64_t)count;
    sent += (uint64_t)count;
}

// Write what is ready; false if some of it could not be written yet.
static bool flush(peer *p) {
    while (p->state == OPEN && p->out_from < p->out_to) {
        ssize_t n = send(p->fd, p->out + p->out_from, p->out_to - p->out_from, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN)
                return false;
            end(p);
            return true;
        }
        p->out_from += (size_t)n;
    }
    p->out_from = p->out_to = 0;
    return true;
}

static void publish(peer *p, uint64_t stamp) {
    if (p->state != OPEN)
        return;
    if (p->out_to > p->out_room) {
        missed++; // the broker has not read for so long that nothing more fits
        return;
    }
    produce(p, p->gather, stamp);
    arm(p, !flush(p));
}

// Keep a saturated publisher busy until `limit` messages are sent in all.
static void refill(peer *p, uint64_t limit) {
    uint64_t stamp = now_ns();
    while (p->out_to < FILL && sent < limit) {
        uint64_t room = limit - sent;
        produce(p, room < (uint64_t)p->gather ? (int)room : p->gather, stamp);
    }
    if (flush(p) && sent >= limit)
        arm(p, false);
}

// ---- receiving

static void arrival(uint64_t stamp, uint64_t at) {
    if (stamp == turn_stamp && stamp)
        turn_arrived++;
    if (stamp >= measured_from && at >= stamp)
        histogram_add(&delays, at - stamp);
}

static void read_digits(peer *p, const uint8_t **at, const uint8_t *until, uint64_t now) {
    while (p->digits && *at < until) {
        uint8_t c = **at;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) { // no marker: a byte of a frame's header that looks like one
            p->digits = 0;
            return;
        }
        p->stamp = p->stamp << 4 | (uint64_t)digit;
        ++*at;
        if (--p->digits == 0)
            arrival(p->stamp, now);
    }
}

static void read_stamps(peer *p, const uint8_t *at, const uint8_t *until, uint64_t now) {
    read_digits(p, &at, until, now);
    while ((at = memchr(at, p->marker, (size_t)(until - at)))) {
        at++;
        p->digits = STAMP;
        p->stamp = 0;
        read_digits(p, &at, until, now);
    }
}

// While saturated a sample is enough: the last whole stamp of what came in at once.
static void sample_stamp(peer *p, const uint8_t *data, size_t size, uint64_t now) {
    const uint8_t *at = size > STAMP ? memrchr(data, p->marker, size - STAMP) : NULL;
    if (at) {
        p->digits = STAMP;
        p->stamp = 0;
        at++;
        read_digits(p, &at, data + size, now);
        p->digits = 0;
    }
}

static uint64_t count_byte(const uint8_t *data, size_t size, uint8_t byte) {
    uint64_t total = 0;
    while (size) { // in blocks whose count fits a byte's lanes, so that it is vectorised
        size_t block = size < 4096 ? size : 4096;
        uint32_t found = 0;
        for (size_t i = 0; i < block; i++)
            found += data[i] == byte;
        total += found;
        data += block;
        size -= block;
    }
    return total;
}

static void answer_ping(peer *p) {
    uint8_t frame[MAX_HEADER + MAX_CONTROL + SLACK];
    uint64_t bits = random_bits();
    if (p->role == PUBLISHER) { // never into the middle of a frame
        put_frame(p, PONG, p->control, (size_t)p->control_have);
        arm(p, true);
        return;
    }
    size_t size = frame_header(frame, PONG, (uint64_t)p->control_have, (uint8_t *)&bits);
    mask_copy(frame + size, p->control, (size_t)p->control_have, (uint8_t *)&bits);
    if (send(p->fd, frame, size + (size_t)p->control_have, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        missed++;
}

// A header is complete: begin its payload. False if no server may send such a frame.
static bool begin_frame(peer *p, const uint8_t *head, int size) {
    for (int i = 0; i < size; i++) // these bytes were counted with the payload
        p->messages -= head[i] == p->marker;
    p->opcode = head[0] & 15;
    p->left = payload_size(head);
    p->control_have = 0;
    bool control = p->opcode >= CLOSE;
    if (control ? p->left > MAX_CONTROL || p->opcode > PONG : p->opcode > BINARY)
        return false;
    p->frames += !control;
    return (head[0] & 0x70) == 0 && (head[1] & 0x80) == 0;
}

static void end_frame(peer *p) {
    if (p->opcode == PING)
        answer_ping(p);
    if (p->opcode == CLOSE) {
        if (getenv("LOAD_TRACE"))
            fprintf(stderr, "closed: %d %.*s\n", p->control[0] << 8 | p->control[1],
                    p->control_have - 2, (char *)p->control + 2);
        end(p);
    }
}

// Follow the frames; false for what is no frame.
static bool walk(peer *p, const uint8_t *at, const uint8_t *until) {
    while (at < until && p->state != CLOSED) {
        if (p->left) {
            uint64_t size = (uint64_t)(until - at);
            size = size < p->left ? size : p->left;
            if (p->opcode >= CLOSE) {
                memcpy(p->control + p->control_have, at, size);
                p->control_have += (int)size;
            }
            at += size;
            p->left -= size;
            if (p->left == 0)
                end_frame(p);
            continue;
        }
        int wanted = p->head_have < 2 ? 2 : header_size(p->head);
        if (p->head_have == 0 && until - at >= 2 && until - at >= header_size(at)) {
            wanted = header_size(at);
            if (!begin_frame(p, at, wanted))
                return false;
            at += wanted;
        } else {
            p->head[p->head_have++] = *at++;
            if (p->head_have < 2 || p->head_have < header_size(p->head))
                continue;
            wanted = p->head_have;
            p->head_have = 0;
            if (!begin_frame(p, p->head, wanted))
                return false;
        }
        if (p->left == 0)
            end_frame(p);
    }
    return true;
}

static void take(peer *p, uint8_t *data, size_t size, uint64_t now) {
    uint64_t before = p->messages;
    p->bytes += size;
    p->messages += count_byte(data, size, p->marker);
    if (!walk(p, data, data + size)) {
        broken++;
        end(p);
    }
    if (p->role == SUBSCRIBER) {
        if (all_stamps)
            read_stamps(p, data, data + size, now);
        else
            sample_stamp(p, data, size, now);
        arrived += p->messages - before;
        if (p->messages != before)
            last_arrival = now;
    }
}

static void receive(peer *p) {
    ssize_t n = recv(p->fd, chunk, CHUNK, 0);
    if (n > 0)
        take(p, chunk, (size_t)n, now_ns());
    else if (n == 0 || errno != EAGAIN)
        end(p);
}

// ---- newcomers: connect, upgrade, greet, and read until all that is expected is there

static void approach(peer *p) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)plan.port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (p->fd < 0)
        die("cannot make a socket: raise the limit of open files");
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    p->state = CONNECTING;
    p->head_have = 0;
    p->messages = p->bytes = p->left = 0;
    if (connect(p->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        die("cannot connect");
    watch(p, EPOLL_CTL_ADD, EPOLLOUT);
}

static void turned_away(peer *p, uint64_t now) {
    refused++;
    close(p->fd);
    p->state = WAITING;
    p->retry = now + 50 * 1000000u;
}

static void upgrade(peer *p, uint64_t now) {
    ssize_t n = recv(p->fd, chunk, CHUNK, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    // A server writes its answer at once; one that did not would be counted as a refusal.
    uint8_t *rest = n > 0 ? memmem(chunk, (size_t)n, "\r\n\r\n", 4) : NULL;
    if (!rest || n < 12 || memcmp(chunk + 8, " 101", 4) != 0) {
        turned_away(p, now);
        return;
    }
    if (send(p->fd, plan.hello, plan.hello_size, MSG_NOSIGNAL) != (ssize_t)plan.hello_size) {
        turned_away(p, now);
        return;
    }
    p->state = OPEN;
    p->upgraded = now_ns();
    histogram_add(&upgrades, p->upgraded - p->began);
    rest += 4;
    if (rest < chunk + n)
        take(p, rest, (size_t)(chunk + n - rest), now);
}

static void advance(peer *p) {
    uint64_t now = now_ns();
    if (p->state == CONNECTING) {
        if (send(p->fd, plan.request, plan.request_size, MSG_NOSIGNAL) < 0) {
            turned_away(p, now);
            return;
        }
        p->state = REQUESTED;
        watch(p, EPOLL_CTL_MOD, EPOLLIN);
    } else if (p->state == REQUESTED) {
        upgrade(p, now);
    } else if (p->state == OPEN) {
        receive(p);
    }
    if (p->state == OPEN && !p->done && p->messages >= plan.expect) {
        p->done = now_ns();
        histogram_add(&joins, p->done - p->began);
        newcomer_bytes += p->bytes;
        complete++;
    }
}

static void retry_newcomers(uint64_t now) {
    for (int i = 0; i < peers_count; i++)
        if (peers[i].role == NEWCOMER && peers[i].state == WAITING && peers[i].retry <= now)
            approach(&peers[i]);
}

// ---- the run

static void turn(int milliseconds, uint64_t limit) {
    struct epoll_event events[256];
    uint64_t before = now_ns();
    int n = epoll_wait(poller, events, 256, milliseconds);
    if (n == 0)
        idle += now_ns() - before;
    for (int i = 0; i < n; i++) {
        peer *p = events[i].data.ptr;
        if (p->role == NEWCOMER) {
            advance(p);
            continue;
        }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && p->state == OPEN)
            receive(p);
        if (events[i].events & EPOLLOUT && p->state == OPEN) {
            if (limit)
                refill(p, limit);
            else
                arm(p, !flush(p));
        }
    }
}

static uint64_t slowest(void) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < peers_count; i++)
        if (peers[i].role == SUBSCRIBER && peers[i].state == OPEN && peers[i].messages < least)
            least = peers[i].messages;
    return least;
}

typedef struct {
    uint64_t at, arrived, sent, server, idle;
} mark;

static mark mark_now(void) {
    return (mark){now_ns(), arrived, sent, processor_ns(plan.server), idle};
}

static void arm_all(bool armed) {
    for (int i = 0; i < peers_count; i++)
        if (peers[i].role == PUBLISHER)
            arm(&peers[i], armed || peers[i].out_to);
}

// How many messages may be sent by now, so that the broker always has enough to do and what is
// under way stays bounded, whatever its speed.
static uint64_t allowance(uint64_t start, uint64_t now) {
    static uint64_t least, asked;
    if (now - asked > 100000) {
        least = slowest();
        asked = now;
    }
    if (sent >= least + lost + AHEAD_LEAST && now > last_arrival + (uint64_t)STALL && last_arrival)
        lost = sent - slowest();
    double rate = (double)(least + lost) / (double)(now - start + 1);
    uint64_t ahead = (uint64_t)(rate * AHEAD_TIME * SECOND);
    ahead = ahead < AHEAD_LEAST ? AHEAD_LEAST : ahead > plan.ahead ? plan.ahead : ahead;
    return least + lost + ahead;
}

// As much as goes in, for a time or until `plan.count` messages are sent.
static void saturate(mark *from, mark *to) {
    uint64_t start = now_ns(), stop = start + (uint64_t)((plan.warmup + plan.seconds) * SECOND);
    uint64_t begin = start + (uint64_t)(plan.warmup * SECOND);
    uint64_t limit = plan.count ? plan.count : UINT64_MAX;
    bool begun = false;
    for (uint64_t now = start; now < stop && sent < limit; now = now_ns()) {
        uint64_t allowed = plan.ahead ? allowance(start, now) : limit;
        if (!begun && now >= begin) {
            *from = mark_now();
            measured_from = from->at;
            begun = true;
        }
        allowed = allowed < limit ? allowed : limit;
        arm_all(sent < allowed);
        turn(plan.spin ? 0 : 10, allowed);
    }
    *to = mark_now();
    arm_all(false);
}

// Messages at random moments (a Poisson process), stamped with the moment they were due.
static uint64_t pace(uint64_t due, uint64_t now) {
    static int next;
    while (due <= now) {
        do
            next = next + 1 >= peers_count ? 0 : next + 1;
        while (peers[next].role != PUBLISHER);
        publish(&peers[next], due);
        due += (uint64_t)(-log(random_share()) / plan.rate * SECOND);
    }
    return due;
}

static int wait_for(uint64_t due) {
    uint64_t now = now_ns();
    if (plan.spin || due <= now)
        return 0;
    return due - now > 100000000u ? 100 : (int)((due - now) / 1000000u);
}

static void paced(mark *from, mark *to) {
    uint64_t start = now_ns(), stop = start + (uint64_t)((plan.warmup + plan.seconds) * SECOND);
    uint64_t begin = start + (uint64_t)(plan.warmup * SECOND), due = start;
    bool begun = false;
    for (uint64_t now = start; now < stop && (!plan.count || sent < plan.count); now = now_ns()) {
        if (!begun && now >= begin) {
            *from = mark_now();
            measured_from = from->at;
            begun = true;
        }
        due = pace(due, now);
        turn(wait_for(due), 0);
    }
    *to = mark_now();
}

// One message at a time: the next one goes when all have the last one, after a pause.
static void take_turns(mark *from, mark *to) {
    uint64_t start = now_ns(), stop = start + (uint64_t)((plan.warmup + plan.seconds) * SECOND);
    uint64_t begin = start + (uint64_t)(plan.warmup * SECOND), due = start;
    bool begun = false, waiting = false;
    int next = 0;
    for (uint64_t now = start; now < stop || waiting; now = now_ns()) {
        if (waiting && turn_arrived >= (uint64_t)subscribers) {
            waiting = false;
            turns += begun;
            due = now + (uint64_t)(plan.gap * SECOND);
        } else if (waiting && now > turn_stamp + (uint64_t)SECOND) {
            waiting = false;
            missed++;
            due = now;
        }
        if (!begun && now >= begin && !waiting) {
            *from = mark_now();
            measured_from = from->at;
            begun = true;
        }
        if (!waiting && now >= due && now < stop) {
            while (peers[next].role != PUBLISHER)
                next = next + 1 >= peers_count ? 0 : next + 1;
            turn_stamp = now_ns();
            turn_arrived = 0;
            waiting = true;
            publish(&peers[next], turn_stamp);
            next = next + 1 >= peers_count ? 0 : next + 1;
        }
        turn(plan.spin ? 0 : waiting ? 100 : wait_for(due), 0);
    }
    *to = mark_now();
}

// All newcomers at once; with a rate given, messages meanwhile.
static void storm(mark *from, mark *to) {
    *from = mark_now();
    measured_from = from->at;
    uint64_t stop = from->at + (uint64_t)(plan.patience * SECOND), due = from->at;
    for (int i = 0; i < peers_count; i++)
        if (peers[i].role == NEWCOMER) {
            peers[i].began = now_ns();
            approach(&peers[i]);
        }
    for (uint64_t now = from->at; now < stop && complete < plan.newcomers; now = now_ns()) {
        if (plan.rate > 0)
            due = pace(due, now);
        turn(plan.rate > 0 ? wait_for(due) : 10, 0);
        if (refused)
            retry_newcomers(now);
    }
    *to = mark_now();
}

// Wait for what is under way, so that what was lost can be told from what is late.
static void drain(void) {
    uint64_t now = now_ns(), deadline = now + (uint64_t)(plan.patience * SECOND), active = now;
    for (uint64_t before = arrived; now < deadline; now = now_ns()) {
        uint64_t left = 0;
        for (int i = 0; i < peers_count; i++)
            left += peers[i].state == OPEN ? peers[i].out_to - peers[i].out_from : 0;
        if (left == 0 && arrived >= sent * (uint64_t)subscribers)
            return;
        if (arrived != before || left)
            active = now;
        if (now > active + (uint64_t)QUIET)
            return;
        before = arrived;
        turn(20, 0);
    }
}

// ---- what to do, and what came of it

static uint8_t *from_hex(const char *text, size_t *size) {
    *size = strcmp(text, "-") ? strlen(text) / 2 : 0;
    uint8_t *out = calloc(1, *size + SLACK);
    if (!out)
        die("no memory");
    for (size_t i = 0; i < *size; i++) {
        unsigned value;
        if (sscanf(text + 2 * i, "%2x", &value) != 1)
            die("no hex digits");
        out[i] = (uint8_t)value;
    }
    return out;
}

static peer *add_peer(int fd, enum role role) {
    static int room;
    if (peers_count == room) {
        room = room ? room * 2 : 64;
        peers = realloc(peers, sizeof *peers * (size_t)room);
        if (!peers)
            die("no memory");
    }
    peer *p = &peers[peers_count++];
    *p = (peer){.fd = fd, .role = role, .state = OPEN, .marker = '@', .gather = 1};
    return p;
}

static void add_template(peer *p, const char *hex) {
    size_t size;
    uint8_t *data = from_hex(hex, &size), *at = memchr(data, '@', size);
    if (!at || data + size - at <= STAMP)
        die("a message without a place for its time");
    p->templates = realloc(p->templates, sizeof(message) * (size_t)(p->templates_count + 1));
    if (!p->templates)
        die("no memory");
    p->templates[p->templates_count++] =
        (message){.data = data, .size = size, .stamp = (size_t)(at - data) + 1};
}

static void read_plan(void) {
    char *line = NULL, name[32];
    size_t room = 0, size;
    peer *p = NULL;
    while (getline(&line, &room, stdin) > 0) {
        int used = 0;
        if (sscanf(line, "%31s %n", name, &used) < 1)
            continue;
        char *rest = line + used;
        rest[strcspn(rest, "\n")] = 0;
        char *words[3] = {strtok(rest, " "), strtok(NULL, " "), strtok(NULL, " ")};
        if (!words[0])
            die("a line without a value");
        if (!strcmp(name, "mode"))
            snprintf(plan.mode, sizeof plan.mode, "%s", words[0]);
        else if (!strcmp(name, "seconds"))
            plan.seconds = atof(words[0]);
        else if (!strcmp(name, "warmup"))
            plan.warmup = atof(words[0]);
        else if (!strcmp(name, "rate"))
            plan.rate = atof(words[0]);
        else if (!strcmp(name, "gap"))
            plan.gap = atof(words[0]);
        else if (!strcmp(name, "patience"))
            plan.patience = atof(words[0]);
        else if (!strcmp(name, "count"))
            plan.count = strtoull(words[0], NULL, 10);
        else if (!strcmp(name, "ahead"))
            plan.ahead = strtoull(words[0], NULL, 10);
        else if (!strcmp(name, "expect"))
            plan.expect = strtoull(words[0], NULL, 10);
        else if (!strcmp(name, "server"))
            plan.server = atoi(words[0]);
        else if (!strcmp(name, "spin"))
            plan.spin = atoi(words[0]);
        else if (!strcmp(name, "dump"))
            plan.dump = atoi(words[0]);
        else if (!strcmp(name, "request"))
            plan.request = from_hex(words[0], &plan.request_size);
        else if (!strcmp(name, "hello"))
            plan.hello = from_hex(words[0], &plan.hello_size);
        else if (!strcmp(name, "newcomers") && words[1]) {
            plan.port = atoi(words[0]);
            plan.newcomers = atoi(words[1]);
            for (int i = 0; i < plan.newcomers; i++)
                add_peer(-1, NEWCOMER)->marker = '#';
        } else if (!strcmp(name, "sub")) {
            add_peer(atoi(words[0]), SUBSCRIBER);
            subscribers++;
        } else if (!strcmp(name, "pub") && words[2]) {
            p = add_peer(atoi(words[0]), PUBLISHER);
            p->send_opcode = atoi(words[1]);
            p->gather = atoi(words[2]);
            publishers++;
        } else if (!strcmp(name, "wrap") && p && words[2]) {
            p->prefix = (char *)from_hex(words[0], &size);
            p->separator = (char *)from_hex(words[1], &size);
            p->suffix = (char *)from_hex(words[2], &size);
        } else if (!strcmp(name, "seal") && p && words[1]) {
            uint8_t *key = from_hex(words[0], &size);
            if (size != BLAKE2S_KEY)
                die("a key must have 32 bytes");
            blake2s_set_key(&p->key, key, 16);
            p->sealed = true;
            p->seq = strtoull(words[1], NULL, 10);
        } else if (!strcmp(name, "msg") && p)
            add_template(p, words[0]);
        else
            die("a line that means nothing");
    }
    free(line);
}

static void prepare(void) {
    poller = epoll_create1(0);
    for (int i = 0; i < peers_count; i++) {
        peer *p = &peers[i];
        size_t longest = 1024;
        if (p->role == NEWCOMER)
            continue;
        fcntl(p->fd, F_SETFL, fcntl(p->fd, F_GETFL) | O_NONBLOCK);
        watch(p, EPOLL_CTL_ADD, EPOLLIN);
        if (p->role != PUBLISHER)
            continue;
        if (!p->templates_count)
            die("a publisher without messages");
        if (p->gather > 1 && !p->prefix)
            die("a publisher that does not know how to gather");
        for (int t = 0; t < p->templates_count; t++)
            if (p->templates[t].size > longest)
                longest = p->templates[t].size;
        longest = (longest + SLACK) * (size_t)p->gather + 4096;
        p->out_room = FILL + 16 * longest;
        p->out = malloc(p->out_room + 2 * longest + SLACK);
        p->scratch = malloc(longest + SLACK);
        if (!p->out || !p->scratch)
            die("no memory");
    }
}

static void put_delays(const char *name, const histogram *h) {
    printf("\"%s\":{\"count\":%llu,\"p50\":%.9f,\"p99\":%.9f,\"max\":%.9f},", name,
           (unsigned long long)h->total, histogram_at(h, 0.5) / SECOND,
           histogram_at(h, 0.99) / SECOND, (double)h->highest / SECOND);
}

static void put_last(void) {
    const char *comma = "";
    printf("\"last\":[");
    for (int i = 0; i < peers_count && plan.dump; i++)
        for (int t = 0; t < peers[i].templates_count; t++, comma = ",")
            printf("%s\"%016llx\"", comma, (unsigned long long)peers[i].templates[t].last);
    printf("],");
}

static void report(const mark *from, const mark *to, uint64_t start) {
    double seconds = (double)(to->at - from->at) / SECOND;
    uint64_t least = UINT64_MAX, frames = 0, bytes = 0;
    for (int i = 0; i < peers_count; i++)
        if (peers[i].role == SUBSCRIBER) {
            least = peers[i].messages < least ? peers[i].messages : least;
            frames += peers[i].frames;
            bytes += peers[i].bytes;
        }
    printf("{\"seconds\":%.6f,\"sent\":%llu,\"arrived\":%llu,", seconds,
           (unsigned long long)(to->sent - from->sent),
           (unsigned long long)(to->arrived - from->arrived));
    printf("\"server_cpu\":%.6f,\"busy\":%.6f,\"lost\":%llu,",
           (double)(to->server - from->server) / SECOND,
           seconds - (double)(to->idle - from->idle) / SECOND, (unsigned long long)lost);
    printf("\"total_sent\":%llu,\"total_arrived\":%llu,\"least_arrived\":%llu,\"frames\":%llu,"
           "\"bytes\":%llu,\"last_arrival\":%.6f,",
           (unsigned long long)sent, (unsigned long long)arrived,
           (unsigned long long)(subscribers ? least : 0), (unsigned long long)frames,
           (unsigned long long)bytes,
           last_arrival ? (double)(last_arrival - start) / SECOND : 0.0);
    put_delays("delay", &delays);
    put_delays("join", &joins);
    put_delays("upgrade", &upgrades);
    put_last();
    printf("\"turns\":%llu,\"complete\":%d,\"newcomer_bytes\":%llu,\"refused\":%llu,"
           "\"closed\":%llu,\"broken\":%llu,\"missed\":%llu}\n",
           (unsigned long long)turns, complete, (unsigned long long)newcomer_bytes,
           (unsigned long long)refused, (unsigned long long)closed, (unsigned long long)broken,
           (unsigned long long)missed);
}

static int digest(const char *key_hex, const char *data_hex) {
    size_t key_size, size;
    uint8_t *key = from_hex(key_hex, &key_size), *data = from_hex(data_hex, &size), out[16];
    blake2s_key state;
    if (key_size != BLAKE2S_KEY || size == 0)
        die("a key of 32 bytes and some data are needed");
    blake2s_set_key(&state, key, sizeof out);
    blake2s(&state, data, size, out);
    for (size_t i = 0; i < sizeof out; i++)
        printf("%02x", out[i]);
    printf("\n");
    return 0;
}

int main(int count, char **arguments) {
    mark from = {0}, to = {0};
    if (count == 4 && !strcmp(arguments[1], "--blake2s"))
        return digest(arguments[2], arguments[3]);
    signal(SIGPIPE, SIG_IGN);
    read_plan();
    prepare();
    all_stamps = strcmp(plan.mode, "saturated") != 0;
    uint64_t start = now_ns();
    if (!strcmp(plan.mode, "saturated"))
        saturate(&from, &to);
    else if (!strcmp(plan.mode, "paced"))
        paced(&from, &to);
    else if (!strcmp(plan.mode, "turns"))
        take_turns(&from, &to);
    else if (!strcmp(plan.mode, "storm"))
        storm(&from, &to);
    else
        die("an unknown mode");
    drain();
    report(&from, &to, start);
    return 0;
}
