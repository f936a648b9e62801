/* The app that the tests deploy: one static binary that can be slow, sick, stubborn or brief on request.
 *
 *   web        HTTP on $PORT (8000): / /up /slow?ms= /headers /echo /ws /env?name= /file?path= /pid /health?status=
 *   web tcp    echoes bytes on $PORT
 *   web check  exits 0 when /up answers 200 on this machine: a health check without curl
 *
 * VERSION, DECLARE_REPLICA  what / reports         START_DELAY       seconds before it listens
 * HEALTH_STATUS             what /up answers       HEALTH_AFTER      503 for so many seconds first
 * HEALTH_FAIL_AFTER         503 from then on       CRASH_AFTER       exits by itself, with EXIT_CODE (1)
 * IGNORE_SIGTERM=1          only SIGKILL ends it   WAIT_ON_SIGTERM   keeps answering so many seconds first
 * REPORT_TO=IP:PORT         every request but /up is told there, in a UDP packet
 *
 * Every request but /up is one line on standard output, "METHOD PATH REQUEST-ID", so that doubles can be counted; the
 * packets tell the same, and outlive the container.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 65536, BODY_MAX = 1 << 20, DRAIN_SECONDS = 120 };

static atomic_int in_flight;
static atomic_int health_status = 200;
static double started;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void wait_seconds(double seconds) {
    struct timespec t = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (nanosleep(&t, &t) && errno == EINTR) {}
}

static double number(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text && *text ? atof(text) : otherwise;
}

static void say(const char *format, ...) {
    char line[2048];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length++] = '\n';
    if (write(1, line, length) < 0) return;
}

static int send_all(int fd, const char *bytes, size_t length) {
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) return -1;
        bytes += sent, length -= sent;
    }
    return 0;
}

static void reply(int fd, int status, const char *body, size_t length) {
    const char *reason = status == 200 ? "OK" : status == 404 ? "Not Found" : status == 503 ? "Service Unavailable" : "Status";
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                     status, reason, length);
    if (!send_all(fd, head, n)) send_all(fd, body, length);
}

static void reply_text(int fd, int status, const char *text) { reply(fd, status, text, strlen(text)); }

static void echo_bytes(int fd) {
    char bytes[16384];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
        if (send_all(fd, bytes, n)) return;
}

static void report(const char *method, const char *target, int length, const char *id) {
    char ip[64], text[1024];
    unsigned port;
    const char *to = getenv("REPORT_TO"), *replica = getenv("DECLARE_REPLICA"), *version = getenv("VERSION");
    struct sockaddr_in a = {.sin_family = AF_INET};
    if (!to || sscanf(to, "%63[0-9.]:%u", ip, &port) != 2 || !inet_aton(ip, &a.sin_addr)) return;
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    int n = snprintf(text, sizeof text, "%s %.*s %s %s %s", method, length, target, id, version ? version : "-",
                     replica ? replica : name);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    a.sin_port = htons((uint16_t)port);
    if (n < (int)sizeof text) sendto(fd, text, n, 0, (void *)&a, sizeof a);
    close(fd);
}

/* The value of ?name=..., percent-decoded, or NULL. */
static char *query(char *target, const char *name) {
    char *at = strchr(target, '?');
    size_t length = strlen(name);
    while (at && *++at) {
        if (!strncmp(at, name, length) && at[length] == '=') {
            char *from = at + length + 1, *to = from, *value = from;
            for (; *from && *from != '&'; from++) {
                unsigned code;
                if (*from == '%' && sscanf(from + 1, "%2x", &code) == 1) *to++ = (char)code, from += 2;
                else *to++ = *from;
            }
            *to = 0;
            return value;
        }
        at = strchr(at, '&');
    }
    return NULL;
}

static void header(const char *head, const char *name, char *value, size_t size) {
    char key[64];
    snprintf(key, sizeof key, "\r\n%s:", name);
    const char *at = strcasestr(head, key);
    *value = 0;
    if (!at) return;
    at += strlen(key);
    at += strspn(at, " ");
    size_t length = strcspn(at, "\r\n");
    if (length >= size) length = size - 1;
    memcpy(value, at, length);
    value[length] = 0;
}

static int is_healthy(void) {
    double age = now() - started;
    return age >= number("HEALTH_AFTER", 0) && age < number("HEALTH_FAIL_AFTER", 1e12);
}

static void reply_identity(int fd) {
    char name[256] = "", body[1024];
    gethostname(name, sizeof name - 1);
    const char *replica = getenv("DECLARE_REPLICA"), *version = getenv("VERSION"), *port = getenv("PORT");
    int n = snprintf(body, sizeof body, "{\"version\": \"%s\", \"replica\": \"%s\", \"hostname\": \"%s\", \"port\": %s}\n",
                     version ? version : "", replica ? replica : name, name, port ? port : "8000");
    reply(fd, 200, body, n);
}

static void reply_file(int fd, const char *path) {
    static const size_t limit = BODY_MAX;
    int file = path ? open(path, O_RDONLY) : -1;
    char *body = malloc(limit);
    ssize_t n = file < 0 || !body ? -1 : read(file, body, limit);
    if (n < 0) reply_text(fd, 404, "no such file\n");
    else reply(fd, 200, body, n);
    if (file >= 0) close(file);
    free(body);
}

static void route(int fd, const char *method, char *target, const char *head, const char *body, size_t length) {
    char id[128], upgrade[64];
    size_t path = strcspn(target, "?");
    header(head, "X-Request-Id", id, sizeof id);
    header(head, "Upgrade", upgrade, sizeof upgrade);
#define PATH_IS(text) (path == strlen(text) && !strncmp(target, text, path))
    if (!PATH_IS("/up")) {
        say("%s %.*s %s", method, (int)path, target, *id ? id : "-");
        report(method, target, (int)path, *id ? id : "-");
    }
    if (PATH_IS("/up")) {
        int status = is_healthy() ? health_status : 503;
        reply_text(fd, status, status == 200 ? "up\n" : "not healthy\n");
    } else if (PATH_IS("/slow")) {
        const char *ms = query(target, "ms");
        wait_seconds(ms ? atof(ms) / 1000 : 1);
        reply_identity(fd);
    } else if (PATH_IS("/headers")) {
        reply_text(fd, 200, head);
    } else if (PATH_IS("/echo")) {
        char *text = malloc(length + 64);
        int n = sprintf(text, "%s\n", method);
        memcpy(text + n, body, length);
        reply(fd, 200, text, n + length);
        free(text);
    } else if (PATH_IS("/ws") && *upgrade) {
        char text[256];
        int n = snprintf(text, sizeof text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\n\r\n", upgrade);
        if (!send_all(fd, text, n) && !send_all(fd, body, length)) echo_bytes(fd);
    } else if (PATH_IS("/env")) {
        const char *name = query(target, "name"), *value = name ? getenv(name) : NULL;
        reply_text(fd, value ? 200 : 404, value ? value : "not set\n");
    } else if (PATH_IS("/file")) {
        reply_file(fd, query(target, "path"));
    } else if (PATH_IS("/pid")) {
        char text[32];
        snprintf(text, sizeof text, "%d\n", getpid());
        reply_text(fd, 200, text);
    } else if (PATH_IS("/health")) {
        const char *status = query(target, "status");
        if (status) health_status = atoi(status);
        reply_text(fd, 200, "ok\n");
    } else {
        reply_identity(fd);
    }
}

static void serve_http(int fd) {
    char *head = malloc(HEAD_MAX + 1), method[16], target[4096], length_text[32];
    size_t have = 0;
    char *end = NULL;
    while (head && !end && have < HEAD_MAX) {
        ssize_t n = recv(fd, head + have, HEAD_MAX - have, 0);
        if (n <= 0) break;
        have += n;
        head[have] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    if (end && sscanf(head, "%15s %4095s", method, target) == 2) {
        size_t begun = have - (end + 4 - head);
        end[2] = 0;
        header(head, "Content-Length", length_text, sizeof length_text);
        size_t length = strtoul(length_text, NULL, 10);
        if (length > BODY_MAX) length = BODY_MAX;
        if (length < begun) length = begun;
        char *body = malloc(length + 1);
        memcpy(body, end + 4, begun);
        while (begun < length) {
            ssize_t n = recv(fd, body + begun, length - begun, 0);
            if (n <= 0) break;
            begun += n;
        }
        if (begun == length) route(fd, method, target, head, body, length);
        free(body);
    }
    free(head);
}

static void finish(int fd) {
    /* A close with unread input would reset the connection and take the reply with it. */
    char rest[4096];
    struct timeval limit = {1, 0};
    shutdown(fd, SHUT_WR);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    while (recv(fd, rest, sizeof rest, 0) > 0) {}
    close(fd);
}

static int tcp_only;

static void *serve(void *argument) {
    int fd = (int)(long)argument;
    if (tcp_only) echo_bytes(fd);
    else serve_http(fd);
    finish(fd);
    in_flight--;
    return NULL;
}

static void accept_all(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return;
        pthread_t thread;
        pthread_attr_t detached;
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&detached, 128 * 1024);
        in_flight++;
        if (pthread_create(&thread, &detached, serve, (void *)(long)fd)) close(fd), in_flight--;
        pthread_attr_destroy(&detached);
    }
}

static void *crash(void *argument) {
    (void)argument;
    wait_seconds(number("CRASH_AFTER", 0));
    say("crashing, as asked");
    _exit((int)number("EXIT_CODE", 1));
}

static struct sockaddr_in address(in_addr_t ip) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((int)number("PORT", 8000)), .sin_addr.s_addr = ip};
    return a;
}

static int check(void) {
    struct sockaddr_in a = address(htonl(INADDR_LOOPBACK));
    const char *request = "GET /up HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[16] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)&a, sizeof a) || send_all(fd, request, strlen(request))) return 1;
    return recv(fd, answer, 12, MSG_WAITALL) == 12 && !strncmp(answer + 9, "200", 3) ? 0 : 1;
}

static int listen_here(void) {
    struct sockaddr_in a = address(htonl(INADDR_ANY));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (void *)&a, sizeof a) || listen(fd, 512)) {
        say("cannot listen: %s", strerror(errno));
        exit(1);
    }
    return fd;
}

static void run_until_told(int listener, int signals) {
    struct pollfd ready[2] = {{.fd = listener, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    double end = 0;
    for (;;) {
        poll(ready, 2, end ? 50 : -1);
        if (ready[0].revents) accept_all(listener);
        if (ready[1].revents) {
            struct signalfd_siginfo which;
            if (read(signals, &which, sizeof which) > 0 && !number("IGNORE_SIGTERM", 0) && !end)
                end = now() + number("WAIT_ON_SIGTERM", 0);
        }
        if (end && now() >= end) return;
    }
}

int main(int count, char **words) {
    sigset_t ends;
    pthread_t thread;
    started = now();
    if (count > 1 && !strcmp(words[1], "check")) return check();
    tcp_only = count > 1 && !strcmp(words[1], "tcp");
    health_status = (int)number("HEALTH_STATUS", 200);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGQUIT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    int signals = signalfd(-1, &ends, SFD_CLOEXEC);
    if (getenv("CRASH_AFTER")) pthread_create(&thread, NULL, crash, NULL);
    struct pollfd early = {.fd = signals, .events = POLLIN};
    /* A signal before it listens ends it at once. */
    if (poll(&early, 1, (int)(number("START_DELAY", 0) * 1000)) > 0 && !number("IGNORE_SIGTERM", 0)) return 0;
    int listener = listen_here();
    say("listening on %d, version %s", (int)number("PORT", 8000), getenv("VERSION") ? getenv("VERSION") : "-");
    run_until_told(listener, signals);
    accept_all(listener);
    close(listener);
    for (double limit = now() + DRAIN_SECONDS; in_flight && now() < limit;) wait_seconds(0.01);
    say("finished");
    return 0;
}
