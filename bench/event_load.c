/*
 * Keeps events in flight: the load of the events' benchmark.
 *
 * usage: event_load WARM_UP_MS RUN_MS WINDOW FRAME_FILE NUMBER_AT FIRST PUBLISHER_FD FD...
 *
 * The sockets are inherited, all greeted. WINDOW copies of the frame are
 * written to the publisher's socket at once, each with the next number, in
 * four bytes at NUMBER_AT (0: frames have none); the next ones follow when
 * every other socket has got all of them. Prints a line when the warm-up is
 * over, and one JSON object at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FD = 8192, BUFFER = 1 << 20, READY = 512, EVENT = 4, HEAD = 6 };

struct reader {
    unsigned char head[HEAD];
    size_t have, skip;
};

static struct reader readers[MOST_FD];
static unsigned char buffer[BUFFER];
static uint64_t delivered;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

/* Count the events that end, or begin, in what was read. */
static void walk(struct reader *reader, size_t got) {
    const unsigned char *at = buffer, *end = buffer + got;
    while (at < end) {
        size_t left = (size_t)(end - at);
        if (reader->skip) {
            size_t step = left < reader->skip ? left : reader->skip;
            reader->skip -= step, at += step;
            if (!reader->skip && reader->head[5] == EVENT)
                delivered++;
            continue;
        }
        reader->head[reader->have++] = *at++;
        if (reader->have == HEAD) {
            const unsigned char *head = reader->head;
            uint32_t length = (uint32_t)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
            reader->skip = length - (HEAD - 4), reader->have = 0;
        }
    }
}

static void send_all(int fd, const unsigned char *from, size_t size) {
    while (size) {
        ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            perror("send");
            exit(1);
        }
        if (sent > 0)
            from += sent, size -= (size_t)sent;
    }
}

int main(int argc, char **argv) {
    if (argc < 9)
        return 2;
    double warm_up = atoi(argv[1]) / 1e3, run = atoi(argv[2]) / 1e3, began = 0;
    int window = atoi(argv[3]), publisher = atoi(argv[7]), count = argc - 8;
    size_t number_at = (size_t)atoi(argv[5]);
    uint32_t number = (uint32_t)atoi(argv[6]);
    FILE *file = fopen(argv[4], "rb");
    if (!file)
        return 2;
    size_t length = fread(buffer, 1, sizeof buffer, file);
    unsigned char *frames = malloc(length * (size_t)window);
    for (int each = 0; each < window; each++)
        memcpy(frames + length * (size_t)each, buffer, length);
    int poll = epoll_create1(0);
    for (int each = 8; each < argc; each++) {
        int fd = atoi(argv[each]);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (fd >= MOST_FD || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
            return 2;
    }
    uint64_t sent = 0, before = 0;
    double start = now();
    struct epoll_event ready[READY];
    for (;;) {
        double time = now();
        if (!began && time - start >= warm_up) {
            began = time, before = delivered;
            puts("START");
            fflush(stdout);
        }
        if (delivered == sent * (uint64_t)count) {
            if (began && time - began >= run)
                break;
            for (int each = 0; number_at && each < window; each++, number++) {
                unsigned char *at = frames + length * (size_t)each + number_at;
                at[0] = number >> 24, at[1] = number >> 16, at[2] = number >> 8, at[3] = number;
            }
            send_all(publisher, frames, length * (size_t)window);
            sent += (uint64_t)window;
        } else if (time - start > 60 + warm_up + run) {
            fprintf(stderr, "%llu of %llu came\n", (unsigned long long)delivered,
                    (unsigned long long)(sent * (uint64_t)count));
            return 1;
        }
        int found = epoll_wait(poll, ready, READY, 100);
        for (int each = 0; each < found; each++) {
            int fd = ready[each].data.fd;
            ssize_t got = recv(fd, buffer, sizeof buffer, 0);
            if (got == 0) {
                fprintf(stderr, "a subscriber was closed\n");
                return 1;
            }
            if (got > 0)
                walk(&readers[fd], (size_t)got);
        }
    }
    printf("{\"delivered\": %llu, \"seconds\": %.3f, \"next\": %u}\n",
           (unsigned long long)(delivered - before), now() - began, number);
    return 0;
}
