/*
 * A closed-loop load generator: so many connections, so many requests in
 * flight on each, every answer checked for the reference of its request.
 *
 * usage: load_generator PORT CONNECTIONS DEPTH WARM SECONDS REGISTER REQUEST IDS [tls]
 *
 * REGISTER and REQUEST name files with one frame each; the request's 16-byte
 * interaction id (its first string) is overwritten with one of IDS ids, its
 * reference with a running number. Prints "ready" when warm, then one JSON
 * object. WARM and SECONDS are in milliseconds. With "tls" all of it is encrypted;
 * nobody's certificate is verified.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DEPTH = 64, BUFFER = 1 << 18, PREFIX = 32, SAMPLES = 1 << 20 };

struct connection {
    int fd, registered, in_flight;
    SSL *tls;
    unsigned char in[BUFFER];
    size_t have;
    uint32_t next, oldest[MAX_DEPTH];
    double since[MAX_DEPTH];
};

static unsigned char registration[4096], request[65536];
static size_t registration_size, request_size;
static int depth, ids, serial;
static long answered, bad;
static float samples[SAMPLES];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
static uint32_t u32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static void put32(unsigned char *at, uint32_t value) {
    at[0] = value >> 24, at[1] = value >> 16, at[2] = value >> 8, at[3] = value;
}
static size_t slurp(const char *path, unsigned char *to, size_t room) {
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(1); }
    size_t n = fread(to, 1, room, file);
    fclose(file);
    return n;
}
static void send_all(struct connection *c, const unsigned char *bytes, size_t size) {
    while (size) {
        ssize_t n = c->tls ? SSL_write(c->tls, bytes, size) : send(c->fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0) {
            if (c->tls ? SSL_get_error(c->tls, n) == SSL_ERROR_WANT_WRITE : errno == EAGAIN) {
                usleep(50);
                continue;
            }
            perror("send"), exit(1);
        }
        bytes += n, size -= n;
    }
}
/* What has come: 0 at the end, -1 when nothing has. */
static ssize_t receive(struct connection *c) {
    unsigned char *to = c->in + c->have;
    size_t room = BUFFER - c->have;
    if (!c->tls) return recv(c->fd, to, room, MSG_DONTWAIT);
    ssize_t got = 0;
    do {
        int n = SSL_read(c->tls, to + got, room - got);
        if (n <= 0) {
            if (SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ) return got ? got : -1;
            return 0;
        }
        got += n;
    } while (SSL_pending(c->tls));
    return got;
}
static void ask(struct connection *c, int count) {
    static unsigned char batch[MAX_DEPTH * 65536];
    double at = now();
    size_t put = 0;
    for (int i = 0; i < count; i++) {
        unsigned char *frame = batch + put;
        memcpy(frame, request, request_size);
        uint32_t reference = ++c->next;
        put32(frame + 12, reference);
        char id[17];
        snprintf(id, sizeof id, "bench-%010d", (unsigned)(serial++ % ids) % 1000000000u);
        memcpy(frame + PREFIX, id, 16);
        c->since[reference % depth] = at;
        put += request_size;
    }
    c->in_flight += count;
    send_all(c, batch, put);
}
static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 9 && argc != 10) return fprintf(stderr, "usage: see the head of the source\n"), 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    depth = atoi(argv[3]), ids = atoi(argv[8]);
    double warm = atof(argv[4]) / 1000, length = atof(argv[5]) / 1000;
    registration_size = slurp(argv[6], registration, sizeof registration);
    request_size = slurp(argv[7], request, sizeof request);
    int poll = epoll_create1(0), yes = 1;
    SSL_CTX *context = argc == 10 ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (context) SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    struct connection **all = calloc(count, sizeof *all);
    for (int i = 0; i < count; i++) {
        struct connection *c = all[i] = calloc(1, sizeof *c);
        struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};
        there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        c->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(c->fd, (void *)&there, sizeof there)) return perror("connect"), 1;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (context) {
            c->tls = SSL_new(context);
            SSL_set_fd(c->tls, c->fd);
            if (SSL_connect(c->tls) != 1) return fprintf(stderr, "no TLS\n"), 1;
            fcntl(c->fd, F_SETFL, O_NONBLOCK);
        }
        send_all(c, registration, registration_size);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event);
    }
    double started = now(), from = 0;
    int measuring = 0;
    long first = 0;
    struct epoll_event events[256];
    for (;;) {
        double at = now();
        if (!measuring && at - started >= warm) {
            measuring = 1, from = at, first = answered;
            printf("ready\n"), fflush(stdout);
        }
        if (measuring && at - from >= length) break;
        int n = epoll_wait(poll, events, 256, 20);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            ssize_t got = receive(c);
            if (got == 0) return fprintf(stderr, "closed by the server\n"), 1;
            if (got < 0) continue;
            c->have += got;
            size_t pos = 0;
            int answers = 0;
            double seen = now();
            while (c->have - pos >= 4) {
                const unsigned char *frame = c->in + pos;
                size_t size = 4 + u32(frame);
                if (size > c->have - pos) break;
                pos += size;
                if (frame[5] == 6 || frame[5] == 7 || frame[5] == 4) continue;
                if (!c->registered) {
                    if (frame[5] != 2) return fprintf(stderr, "registration refused\n"), 1;
                    c->registered = 1;
                    ask(c, depth);
                    continue;
                }
                uint32_t reference = u32(frame + 12);
                if (frame[5] != 2 || reference == 0 || reference > c->next ||
                    c->next - reference >= (uint32_t)(2 * depth))
                    bad++;
                if (measuring && answered - first < SAMPLES)
                    samples[answered - first] = seen - c->since[reference % depth];
                answered++, answers++;
            }
            memmove(c->in, c->in + pos, c->have - pos);
            c->have -= pos;
            c->in_flight -= answers;
            if (answers) ask(c, answers);
        }
    }
    double seconds = now() - from;
    long done = answered - first, kept = done < SAMPLES ? done : SAMPLES;
    qsort(samples, kept, sizeof *samples, compare);
    printf("{\"answered\": %ld, \"seconds\": %.6f, \"bad\": %ld, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           done, seconds, bad, kept ? samples[kept / 2] * 1e6 : 0,
           kept ? samples[kept * 99 / 100] * 1e6 : 0);
    return bad != 0;
}
