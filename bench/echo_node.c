/*
 * A node that answers at once: the far side of the proxy's benchmark.
 *
 * usage: echo_node PORT INDEX COUNT SERVER_BODY_HEX
 *
 * Registrations get an EventAck: the first of a connection with the body given
 * in hex (what a node says of itself), later ones with the next ProxyClientId.
 * A locate is answered yes by the node whose INDEX is the id's last digit
 * modulo COUNT. Whatever else is asked comes back as an EventAck with the
 * request's own strings and body. One thread, epoll, one send for each read.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MAX_FD = 4096, BUFFER = 1 << 20, PREFIX = 32 };
enum { REGISTER = 1, LOCATE = 90, ACK = 1000, ERROR = 1001, CLIENTS_GONE = 92 };

struct connection {
    unsigned char *in, *out;
    size_t have, put, sent;
    uint32_t clients;
};

static struct connection *table[MAX_FD];
static unsigned char server_body[1024];
static size_t server_length;
static int index_here, node_count;

static uint32_t u32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static void put32(unsigned char *at, uint32_t value) {
    at[0] = value >> 24, at[1] = value >> 16, at[2] = value >> 8, at[3] = value;
}
static void put16(unsigned char *at, uint16_t value) { at[0] = value >> 8, at[1] = value; }

/* A reply without strings, to the request whose prefix is at `asked`. */
static size_t reply(unsigned char *to, const unsigned char *asked, uint8_t kind, uint16_t name,
                    const unsigned char *body, size_t length) {
    memset(to, 0, PREFIX);
    put32(to, PREFIX - 4 + length);
    to[4] = 0xE1, to[5] = kind;
    put16(to + 6, name);
    memcpy(to + 8, asked + 8, 8);
    memcpy(to + PREFIX, body, length);
    return PREFIX + length;
}

static size_t answer(struct connection *peer, unsigned char *to, const unsigned char *frame,
                     size_t size) {
    uint16_t name = (uint16_t)(frame[6] << 8 | frame[7]);
    if (frame[5] == 6) { /* ping */
        memcpy(to, frame, size);
        to[5] = 7;
        return size;
    }
    if (frame[5] != 1) return 0;
    if (name == REGISTER && peer->clients == 0) {
        peer->clients = 1;
        return reply(to, frame, 2, ACK, server_body, server_length);
    }
    if (name == REGISTER) {
        unsigned char body[32] = "\x81\xad" "ProxyClientId\xce";
        put32(body + 16, peer->clients++);
        return reply(to, frame, 2, ACK, body, 20);
    }
    if (name == CLIENTS_GONE) return reply(to, frame, 2, ACK, (const unsigned char *)"\x80", 1);
    if (name == LOCATE) {
        unsigned char last = frame[PREFIX + frame[25] + frame[26] - 1];
        if ((last - '0') % node_count == index_here)
            return reply(to, frame, 2, ACK, (const unsigned char *)"\x80", 1);
        static const unsigned char no[] = "\x81\xa9" "ErrorCode\x2b"; /* 43 */
        return reply(to, frame, 3, ERROR, no, sizeof no - 1);
    }
    memcpy(to, frame, size);
    to[5] = 2;
    put16(to + 6, ACK);
    return size;
}

static void drop(int fd) {
    free(table[fd]->in), free(table[fd]->out), free(table[fd]);
    table[fd] = NULL;
    close(fd);
}

static int push(int fd) {
    struct connection *peer = table[fd];
    while (peer->sent < peer->put) {
        ssize_t n = send(fd, peer->out + peer->sent, peer->put - peer->sent, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 1 : -1;
        peer->sent += n;
    }
    peer->put = peer->sent = 0;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 5) return fprintf(stderr, "usage: echo_node PORT INDEX COUNT HEX\n"), 2;
    index_here = atoi(argv[2]), node_count = atoi(argv[3]);
    for (const char *hex = argv[4]; hex[0] && hex[1]; hex += 2)
        sscanf(hex, "%2hhx", &server_body[server_length++]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (void *)&here, sizeof here) || listen(listener, 1024))
        return perror("echo_node"), 1;
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (peer < 0) continue;
                if (peer >= MAX_FD) { close(peer); continue; }
                setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                table[peer] = calloc(1, sizeof *table[peer]);
                table[peer]->in = malloc(BUFFER), table[peer]->out = malloc(4 * BUFFER);
                event.events = EPOLLIN, event.data.fd = peer;
                epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
                continue;
            }
            struct connection *peer = table[fd];
            if (peer->put) { /* all earlier answers first */
                int state = push(fd);
                if (state < 0) { drop(fd); continue; }
                event.events = state ? EPOLLOUT : EPOLLIN, event.data.fd = fd;
                epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event);
                continue;
            }
            ssize_t got = recv(fd, peer->in + peer->have, BUFFER - peer->have, 0);
            if (got <= 0) {
                if (got == 0 || errno != EAGAIN) drop(fd);
                continue;
            }
            peer->have += got;
            size_t at = 0;
            while (peer->have - at >= 4) {
                size_t size = 4 + u32(peer->in + at);
                if (size > peer->have - at) break;
                peer->put += answer(peer, peer->out + peer->put, peer->in + at, size);
                at += size;
            }
            memmove(peer->in, peer->in + at, peer->have - at);
            peer->have -= at;
            int state = push(fd);
            if (state < 0) drop(fd);
            else if (state) {
                event.events = EPOLLOUT, event.data.fd = fd;
                epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event);
            }
        }
    }
}
