/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The last error of a thread and of a connection, handlers, the line that the default handler writes.
 */
#include "behaviours.h"
#include <pthread.h>
#include <unistd.h>

typedef struct {
    int calls;
    int code, domain;
    int code_inside; /* what virGetLastErrorCode() says while the handler runs */
    int has_message;
} Heard;

static void hear(void *opaque, virErrorPtr err)
{
    Heard *heard = opaque;
    heard->calls++;
    heard->code = err->code;
    heard->domain = err->domain;
    heard->code_inside = virGetLastErrorCode();
    heard->has_message = err->message && *err->message;
}

static void see_heard(const char *label, Heard *heard)
{
    see(label, "calls %d code %d domain %d inside %d message %d", heard->calls, heard->code, heard->domain,
        heard->code_inside, heard->has_message);
    memset(heard, 0, sizeof(*heard));
}

static void see_last(const char *label)
{
    virErrorPtr err = virGetLastError();
    see(label, "%s, code %d domain %d message %s", told(err), virGetLastErrorCode(), virGetLastErrorDomain(),
        err ? "set" : virGetLastErrorMessage());
}

/* The parts of the record that programs may look at. */
static void see_record(const char *label, virErrorPtr err)
{
    see(label, "%s int1 %d int2 %d message %d", told(err), err ? err->int1 : 0, err ? err->int2 : 0, err && err->message);
}

static void *fail_elsewhere(void *opaque)
{
    see_last("thread before");
    virDomainFree(NULL);
    see_last("thread after");
    return NULL;
}

/* What is written to stderr by @body, without the text of the message. */
static void see_stderr(const char *label, void (*body)(void *), void *opaque)
{
    int pipes[2], saved = dup(2);
    if (saved < 0 || pipe(pipes) < 0)
        exit(5);
    fflush(stderr);
    dup2(pipes[1], 2);
    close(pipes[1]);
    body(opaque);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    char text[1024] = "";
    ssize_t n = read(pipes[0], text, sizeof(text) - 1);
    close(pipes[0]);
    text[n < 0 ? 0 : n] = '\0';
    char *message = strstr(text, " : ");
    see(label, "%.*s%s", message ? (int) (message + 3 - text) : 0, text,
        !message ? "nothing" : strstr(message, "NOTE") ? "NOTE" : strchr(message, '\n') ? "..." : "unended");
}

static void write_default(void *err)
{
    virDefaultErrorFunc(err);
}

static void fail_null(void *unused)
{
    virDomainFree(NULL);
}

static void fail_lookup(void *conn)
{
    virDomainLookupByName(conn, "nobody");
}

static void see_default_lines(virConnectPtr conn)
{
    char message[] = "NOTE";
    for (int domain = 0; domain <= VIR_FROM_TPM; domain++) {
        char label[40];
        snprintf(label, sizeof(label), "line of domain %d", domain);
        see_stderr(label, write_default, &(virError){ .code = 1, .domain = domain, .level = 2, .message = message });
    }
    for (int level = 0; level <= 3; level++) {
        char label[40];
        snprintf(label, sizeof(label), "line of level %d", level);
        see_stderr(label, write_default, &(virError){ .code = 1, .domain = 10, .level = level, .message = message });
    }
    see_stderr("line without code", write_default, &(virError){ .domain = 10, .level = 2, .message = message });
    see_stderr("line of nothing", write_default, NULL);
    see_stderr("default of a call", fail_null, NULL);
    see_stderr("default of a lookup", fail_lookup, conn);
}

static void see_records(virConnectPtr conn)
{
    virError copy;
    memset(&copy, 0, sizeof(copy));
    virResetLastError();
    CALL(virCopyLastError(NULL));
    CALL(virCopyLastError(&copy));
    see_record("copy of none", &copy);
    virErrorPtr saved = virSaveLastError();
    see_record("saved none", saved);
    virFreeError(saved);
    virDomainLookupByName(conn, "nobody");
    see_record("of a lookup", virGetLastError());
    CALL(virCopyLastError(&copy));
    see_record("copy", &copy);
    CALL(virCopyLastError(&copy));
    saved = virSaveLastError();
    see_record("saved", saved);
    see_last("after saving");
    virResetError(&copy);
    see_record("copy after reset", &copy);
    virResetError(NULL);
    virFreeError(NULL);
    virFreeError(saved);
    virConnectGetType(conn);
    see_last("after a call that works");
    virNetworkLookupByName(conn, "nobody");
    see_record("of a network lookup", virGetLastError());
    virDomainLookupByUUIDString(conn, "nonsense");
    see_record("of a bad uuid", virGetLastError());
}

static void see_connection_errors(virConnectPtr conn, Heard *global)
{
    Heard own = { 0 };
    virError copy;
    memset(&copy, 0, sizeof(copy));
    virConnResetLastError(conn);
    see_record("connection at first", virConnGetLastError(conn));
    CALL(virConnCopyLastError(conn, &copy));
    virResetLastError();
    CALL(virConnCopyLastError(NULL, &copy));
    virDomainLookupByName(conn, "nobody");
    see_heard("handler of all for a connection", global);
    see_record("connection after a lookup", virConnGetLastError(conn));
    CALL(virConnCopyLastError(conn, &copy));
    virResetError(&copy);
    virConnSetErrorFunc(conn, &own, hear);
    virDomainLookupByName(conn, "nobody");
    see_heard("handler of all beside one", global);
    see_heard("handler of a connection", &own);
    virDomainPtr dom = virDomainLookupByName(conn, "test");
    see_record("connection after a call that works", virConnGetLastError(conn));
    virDomainCreate(dom);
    see_heard("handler of a connection for a domain", &own);
    see_heard("handler of all for a domain", global);
    virDomainGetInfo(dom, NULL);
    see_heard("handler of a connection for a missing argument", &own);
    virDomainFree(NULL);
    see_heard("handler of all for no domain", global);
    see_heard("handler of a connection for no domain", &own);
    virConnResetLastError(conn);
    see_record("connection after reset", virConnGetLastError(conn));
    virConnSetErrorFunc(conn, NULL, NULL);
    virDomainLookupByName(conn, "nobody");
    see_heard("handler of all again", global);
    virConnResetLastError(NULL);
    virConnSetErrorFunc(NULL, &own, hear);
    see_record("connection of none", virConnGetLastError(NULL));
    virDomainFree(dom);
}

void see_errors(const World *world)
{
    Heard heard = { 0 };
    see_last("at first");
    virConnectPtr conn = open_test();
    see_default_lines(conn);
    virSetErrorFunc(&heard, hear);
    virDomainFree(NULL);
    see_heard("handler for NULL", &heard);
    see_last("after NULL");
    pthread_t thread;
    if (pthread_create(&thread, NULL, fail_elsewhere, NULL) != 0)
        exit(5);
    pthread_join(thread, NULL);
    see_last("beside the thread");
    see_heard("handler for the thread", &heard);
    virResetLastError();
    see_last("reset");
    virConnectOpen("test:///nonexistent");
    see_heard("handler of an open", &heard);
    virConnectOpen("nonsense:///");
    see_heard("handler of an open of nobody's URI", &heard);
    virEventRemoveTimeout(77);
    see_heard("handler of an event timer", &heard);
    see_connection_errors(conn, &heard);
    see_records(conn);
    virSetErrorFunc(NULL, NULL);
    see_stderr("default again", fail_null, NULL);
    virConnectClose(conn);
}
