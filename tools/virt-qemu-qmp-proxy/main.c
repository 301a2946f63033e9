/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-qemu-qmp-proxy: a QMP socket of a guest that libvirt manages. Commands go through libvirt to the guest, its events
 * come back; programs that speak QMP need not know. Each client has a thread, which alone reads and writes its socket; the
 * library's loop puts events into the clients' buffers and wakes their threads, so that it never waits for a client.
 */
#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PROGRAM "virt-qemu-qmp-proxy"
#define COMMAND_MAX (4 * 1024 * 1024)
#define CLIENTS_MAX 32
#define FDS_MAX 16
/* A client that does not read for this long, or leaves so many bytes of events unread, is given up. */
#define SEND_SECONDS 10
#define UNREAD_MAX (4 * 1024 * 1024)

typedef struct Client {
    int fd;
    int wake;              /* eventfd: there is something in output */
    gint negotiated;       /* atomic */
    GMutex lock;           /* output */
    GString *output;       /* lines that wait to be sent */
    GByteArray *input;
    int fds[FDS_MAX];      /* passed with the command that comes */
    guint n_fds;
} Client;

static virConnectPtr conn;
static virDomainPtr dom;
static gboolean verbose, debug;
static GMutex lock;        /* clients */
static GPtrArray *clients;
static char *greeting;

static int fail(const char *what)
{
    fprintf(stderr, "%s: error: %s: %s\n", PROGRAM, what, virGetLastErrorMessage());
    return 1;
}

/* Out to a client */

static void put_line(Client *client, const char *text)
{
    if (verbose)
        printf("client %d < %s\n", client->fd, text);
    g_mutex_lock(&client->lock);
    g_string_append(client->output, text);
    g_string_append(client->output, "\r\n");
    g_mutex_unlock(&client->lock);
}

static void put_json(Client *client, json_object *object)
{
    put_line(client, json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Send what waits. On the client's thread, which may wait SEND_SECONDS for it. */
static void flush(Client *client)
{
    g_mutex_lock(&client->lock);
    GString *lines = client->output;
    client->output = g_string_new(NULL);
    g_mutex_unlock(&client->lock);
    for (size_t at = 0; at < lines->len; ) {
        ssize_t n = send(client->fd, lines->str + at, lines->len - at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            shutdown(client->fd, SHUT_RDWR);
            break;
        }
        at += n;
    }
    g_string_free(lines, TRUE);
}

/* An answer carries the id of its command, whatever that is. Takes @answer. */
static void send_answer(Client *client, json_object *command, json_object *answer)
{
    json_object *id = NULL;
    json_object_object_del(answer, "id");
    if (command && json_object_object_get_ex(command, "id", &id))
        json_object_object_add(answer, "id", json_object_get(id));
    put_json(client, answer);
    json_object_put(answer);
    flush(client);
}

static void send_error(Client *client, json_object *command, const char *class, const char *text)
{
    json_object *answer = json_object_new_object(), *error = json_object_new_object();
    json_object_object_add(error, "class", json_object_new_string(class));
    json_object_object_add(error, "desc", json_object_new_string(text));
    json_object_object_add(answer, "error", error);
    send_answer(client, command, answer);
}

/* Commands */

static void close_fds(Client *client)
{
    while (client->n_fds)
        close(client->fds[--client->n_fds]);
}

static void pass_on(Client *client, json_object *command)
{
    char *result = NULL;
    json_object *id = json_object_get(json_object_object_get(command, "id"));
    json_object_object_del(command, "id"); /* libvirt numbers its own */
    const char *text = json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN);
    int ret = client->n_fds
                  ? virDomainQemuMonitorCommandWithFiles(dom, text, client->n_fds, client->fds, NULL, NULL, &result, 0)
                  : virDomainQemuMonitorCommand(dom, text, &result, 0);
    if (id)
        json_object_object_add(command, "id", id);
    json_object *answer = ret == 0 ? json_tokener_parse(result) : NULL;
    if (json_object_is_type(answer, json_type_object)) {
        send_answer(client, command, answer);
    } else {
        json_object_put(answer);
        send_error(client, command, "GenericError", ret < 0 ? virGetLastErrorMessage() : "the answer is no JSON object");
    }
    free(result);
}

static void take_command(Client *client, json_object *command)
{
    json_object *name = NULL;
    if (!json_object_is_type(command, json_type_object) ||
        !(json_object_object_get_ex(command, "execute", &name) || json_object_object_get_ex(command, "exec-oob", &name))) {
        send_error(client, NULL, "GenericError", "QMP input must be an object with the member 'execute'");
    } else if (strcmp(json_object_get_string(name), "qmp_capabilities") == 0) {
        /* the guest's monitor has long been asked, by libvirt */
        json_object *answer = json_object_new_object();
        g_atomic_int_set(&client->negotiated, TRUE);
        json_object_object_add(answer, "return", json_object_new_object());
        send_answer(client, command, answer);
    } else if (!g_atomic_int_get(&client->negotiated)) {
        send_error(client, command, "CommandNotFound", "Expecting capabilities negotiation with 'qmp_capabilities'");
    } else {
        pass_on(client, command);
    }
    close_fds(client);
}

/* Take commands out of the input, each where its JSON ends. FALSE: it is none. */
static gboolean take_input(Client *client)
{
    for (;;) {
        GByteArray *in = client->input;
        while (in->len && g_ascii_isspace(in->data[0]))
            g_byte_array_remove_index(in, 0);
        if (!in->len)
            return TRUE;
        json_tokener *tokener = json_tokener_new();
        json_object *command = json_tokener_parse_ex(tokener, (const char *) in->data, in->len);
        enum json_tokener_error state = json_tokener_get_error(tokener);
        size_t used = json_tokener_get_parse_end(tokener);
        json_tokener_free(tokener);
        if (state == json_tokener_continue)
            return in->len < COMMAND_MAX;
        if (state != json_tokener_success) {
            send_error(client, NULL, "GenericError", "JSON parse error");
            return FALSE;
        }
        g_byte_array_remove_range(in, 0, used);
        if (verbose)
            printf("client %d > %s\n", client->fd, json_object_to_json_string_ext(command, JSON_C_TO_STRING_PLAIN));
        take_command(client, command);
        json_object_put(command);
    }
}

/* Bytes and descriptors; 0 or less when it is over. */
static ssize_t receive(Client *client, void *data, size_t size)
{
    union { struct cmsghdr align; char room[CMSG_SPACE(FDS_MAX * sizeof(int))]; } control;
    struct iovec iov = { data, size };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
    ssize_t n;
    do {
        n = recvmsg(client->fd, &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        guint count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (guint i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (client->n_fds < FDS_MAX)
                client->fds[client->n_fds++] = fd;
            else
                close(fd);
        }
    }
    return n;
}

static void client_free(Client *client)
{
    close_fds(client);
    close(client->fd);
    if (client->wake >= 0)
        close(client->wake);
    g_byte_array_unref(client->input);
    g_string_free(client->output, TRUE);
    g_mutex_clear(&client->lock);
    g_free(client);
}

/* Send what waits, and take what the client says. FALSE: it is over. */
static gboolean serve_client(Client *client)
{
    struct pollfd p[] = { { client->fd, POLLIN, 0 }, { client->wake, POLLIN, 0 } };
    char data[16384];
    uint64_t times;
    flush(client);
    if (poll(p, 2, -1) < 0)
        return errno == EINTR;
    if (p[1].revents && read(client->wake, &times, sizeof(times)) < 0)
        return FALSE;
    if (!p[0].revents)
        return TRUE;
    ssize_t n = receive(client, data, sizeof(data));
    if (n <= 0)
        return FALSE;
    g_byte_array_append(client->input, (guint8 *) data, n);
    return take_input(client);
}

static gpointer client_thread(gpointer opaque)
{
    Client *client = opaque;
    put_line(client, greeting);
    while (serve_client(client))
        ;
    g_mutex_lock(&lock);
    g_ptr_array_remove(clients, client);
    g_mutex_unlock(&lock);
    client_free(client);
    return NULL;
}

static void add_client(int fd)
{
    struct timeval limit = { SEND_SECONDS, 0 };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    Client *client = g_new0(Client, 1);
    client->fd = fd;
    client->wake = eventfd(0, EFD_CLOEXEC);
    client->input = g_byte_array_new();
    client->output = g_string_new(NULL);
    g_mutex_init(&client->lock);
    g_mutex_lock(&lock);
    gboolean room = client->wake >= 0 && clients->len < CLIENTS_MAX;
    if (room)
        g_ptr_array_add(clients, client);
    g_mutex_unlock(&lock);
    if (room) {
        g_thread_unref(g_thread_new("client", client_thread, client));
        return;
    }
    client_free(client);
}

/* Events */

static void put_event(Client *client, json_object *event)
{
    uint64_t once = 1;
    g_mutex_lock(&client->lock);
    gboolean reads = client->output->len < UNREAD_MAX;
    g_mutex_unlock(&client->lock);
    if (reads)
        put_json(client, event);
    else
        shutdown(client->fd, SHUT_RDWR); /* its thread sees the end */
    if (write(client->wake, &once, sizeof(once)) < 0)
        fprintf(stderr, "%s: client %d isn't woken: %s\n", PROGRAM, client->fd, g_strerror(errno));
}

static void on_event(virConnectPtr c, virDomainPtr d, const char *event, long long secs, unsigned int micros,
                     const char *details, void *opaque)
{
    json_object *object = json_object_new_object(), *stamp = json_object_new_object();
    json_object *data = details ? json_tokener_parse(details) : NULL;
    json_object_object_add(stamp, "seconds", json_object_new_int64(secs));
    json_object_object_add(stamp, "microseconds", json_object_new_int64(micros));
    json_object_object_add(object, "timestamp", stamp);
    json_object_object_add(object, "event", json_object_new_string(event));
    if (data)
        json_object_object_add(object, "data", data);
    g_mutex_lock(&lock);
    for (guint i = 0; i < clients->len; i++) {
        Client *client = clients->pdata[i];
        if (g_atomic_int_get(&client->negotiated))
            put_event(client, object);
    }
    g_mutex_unlock(&lock);
    json_object_put(object);
}

static gpointer loop_thread(gpointer opaque)
{
    while (virEventRunDefaultImpl() == 0)
        ;
    return NULL;
}

/* Start */

static virDomainPtr find_domain(const char *name)
{
    virDomainPtr found = NULL;
    char *end;
    long id = strtol(name, &end, 10);
    if (*name && !*end && id >= 0 && id <= G_MAXINT)
        found = virDomainLookupByID(conn, id);
    if (!found)
        found = virDomainLookupByUUIDString(conn, name);
    return found ? found : virDomainLookupByName(conn, name);
}

/* What QEMU says first on its monitor. It also shows that commands get through. */
static gboolean make_greeting(void)
{
    char *result = NULL;
    if (virDomainQemuMonitorCommand(dom, "{\"execute\":\"query-version\"}", &result, 0) < 0)
        return FALSE;
    json_object *answer = json_tokener_parse(result), *version = NULL, *inner = json_object_new_object();
    free(result);
    json_object_object_get_ex(answer, "return", &version);
    json_object_object_add(inner, "version", json_object_get(version));
    json_object_object_add(inner, "capabilities", json_object_new_array());
    json_object *outer = json_object_new_object();
    json_object_object_add(outer, "QMP", inner);
    greeting = g_strdup(json_object_to_json_string_ext(outer, JSON_C_TO_STRING_PLAIN));
    json_object_put(outer);
    json_object_put(answer);
    return TRUE;
}

static int listen_at(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0177); /* whoever can connect rules the guest */
    int ret = fd < 0 ? -1 : bind(fd, (struct sockaddr *) &addr, sizeof(addr));
    umask(mask);
    return ret < 0 || listen(fd, 16) < 0 ? -1 : fd;
}

/* Until a signal comes; signals are blocked in all threads and read here. */
static int serve(const char *path, int signals)
{
    int fd = listen_at(path);
    if (fd < 0) {
        fprintf(stderr, "%s: error: cannot listen at '%s': %s\n", PROGRAM, path, g_strerror(errno));
        return 1;
    }
    if (debug)
        fprintf(stderr, "%s: listening at '%s'\n", PROGRAM, path);
    struct pollfd p[] = { { fd, POLLIN, 0 }, { signals, POLLIN, 0 } };
    while (!p[1].revents) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            break;
        int one = p[0].revents ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (one >= 0)
            add_client(one);
    }
    unlink(path);
    close(fd);
    return 0;
}

static int run(const char *uri, const char *name, const char *path)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0 || virEventRegisterDefaultImpl() < 0)
        return fail("cannot begin");
    g_thread_unref(g_thread_new("loop", loop_thread, NULL));
    conn = virConnectOpen(uri);
    if (!conn)
        return fail("cannot connect");
    dom = find_domain(name);
    if (!dom)
        return fail("cannot find the domain");
    clients = g_ptr_array_new();
    if (!make_greeting())
        return fail("cannot talk to the guest's monitor");
    if (virConnectDomainQemuMonitorEventRegister(conn, dom, NULL, on_event, NULL, NULL, 0) < 0)
        return fail("cannot watch the guest's events");
    return serve(path, signals);
}

static void quiet(void *opaque, virErrorPtr error)
{
}

static void usage(FILE *out)
{
    fprintf(out, "usage: %s [-h] [--connect CONNECT] [--debug] [--verbose] DOMAIN QMP-SOCK-PATH\n", PROGRAM);
}

static void help(void)
{
    usage(stdout);
    printf("\nA QMP socket of a guest that libvirt manages\n\n"
           "arguments:\n"
           "  DOMAIN                Id, UUID or name of the guest\n"
           "  QMP-SOCK-PATH         UNIX socket to listen at\n\n"
           "options:\n"
           "  -h, --help            Show this help and exit\n"
           "  -c, --connect CONNECT URI of the QEMU driver\n"
           "  -d, --debug           Tell what the program does\n"
           "  -v, --verbose         Show all QMP traffic\n");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' }, { "connect", required_argument, NULL, 'c' },
        { "debug", no_argument, NULL, 'd' }, { "verbose", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 },
    };
    const char *uri = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "hc:dv", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            help();
            return 0;
        case 'c':
            uri = optarg;
            break;
        case 'd':
            debug = TRUE;
            break;
        case 'v':
            verbose = TRUE;
            setvbuf(stdout, NULL, _IOLBF, 0);
            break;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (argc - optind != 2) {
        usage(stderr);
        fprintf(stderr, "%s: error: DOMAIN and QMP-SOCK-PATH are needed\n", PROGRAM);
        return 2;
    }
    virSetErrorFunc(NULL, quiet);
    return run(uri, argv[optind], argv[optind + 1]);
}
