/*
 * The least that a fan-out can do: the floor of the events' benchmark.
 *
 * usage: fan_out SUBSCRIBER_PORT PUBLISHER_PORT
 *
 * What is read from a publisher is sent to every subscriber, one send for each
 * read. Subscribers are not read. All are let go when the publisher closes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MOST = 20000, BUFFER = 1 << 16, EVENTS = 64 };

static char buffer[BUFFER];
static int subscribers[MOST], count;

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static void watch(int poll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static void entered(int poll, int listener, int is_subscriber) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!is_subscriber)
        watch(poll, fd);
    else if (count < MOST)
        subscribers[count++] = fd;
    else
        close(fd);
}

static void heard(int publisher) {
    ssize_t got = recv(publisher, buffer, sizeof buffer, 0);
    if (got > 0) {
        for (int each = 0; each < count; each++)
            send(subscribers[each], buffer, (size_t)got, MSG_NOSIGNAL);
        return;
    }
    close(publisher);
    while (count)
        close(subscribers[--count]);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    int in = listening(atoi(argv[1])), out = listening(atoi(argv[2]));
    int poll = epoll_create1(0);
    struct epoll_event ready[EVENTS];
    watch(poll, in);
    watch(poll, out);
    for (;;) {
        int found = epoll_wait(poll, ready, EVENTS, -1);
        for (int each = 0; each < found; each++) {
            int fd = ready[each].data.fd;
            if (fd == in || fd == out)
                entered(poll, fd, fd == in);
            else
                heard(fd);
        }
    }
}
