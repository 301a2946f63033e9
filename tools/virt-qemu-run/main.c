/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-qemu-run: one guest without a daemon. The QEMU driver runs in this process over a folder of its own; the guest ends
 * with the process, and the process with the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib-unix.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "virt-qemu-run"

static gboolean debug, verbose;
static gint64 began;
static gboolean quit, ended;  /* a signal came; the guest has ended */
static int wake[2] = { -1, -1 };

static void G_GNUC_PRINTF(1, 2) say(const char *fmt, ...)
{
    if (!verbose && !debug)
        return;
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    fprintf(stderr, "%s: %.3f: %s\n", PROGRAM, (g_get_monotonic_time() - began) / 1e6, text);
}

static int G_GNUC_PRINTF(1, 2) fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", PROGRAM, text);
    return -1;
}

static void on_signal(int number)
{
    int saved = errno;
    if (write(wake[1], "", 1) < 0)
        quit = TRUE; /* the pipe is full of such news */
    errno = saved;
}

/* In the loop: the pipe of the signal handler. */
static void woken(int watch, int fd, int events, void *opaque)
{
    quit = TRUE;
    virEventUpdateHandle(watch, 0);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque)
{
    if (event == VIR_DOMAIN_EVENT_STOPPED)
        ended = TRUE;
    return 0;
}

static void quiet(void *opaque, virErrorPtr error)
{
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            unlink(child);
    }
    if (dir)
        g_dir_close(dir);
    rmdir(path);
}

/* XML-FILE,VALUE-FILE: both belong to root or the user alone, so that the value goes nowhere else. */
static int load_secret(virConnectPtr conn, const char *pair)
{
    g_auto(GStrv) files = g_strsplit(pair, ",", 2);
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = NULL, *value = NULL;
    gsize len = 0;
    if (g_strv_length(files) != 2)
        return fail("expected a pair of filenames for --secret argument");
    if (!g_file_get_contents(files[0], &xml, NULL, &error) || !g_file_get_contents(files[1], &value, &len, &error))
        return fail("cannot read secret: %s", error->message);
    virSecretPtr secret = virSecretDefineXML(conn, xml, 0);
    int ret = secret ? virSecretSetValue(secret, (unsigned char *) value, len, 0) : -1;
    if (ret < 0)
        fail("cannot load secret '%s': %s", files[0], virGetLastErrorMessage());
    explicit_bzero(value, len);
    if (secret)
        virSecretFree(secret);
    return ret;
}

/* Watch it until it has ended or a signal came; then nothing of it is left. */
static int run_guest(virConnectPtr conn, const char *xml)
{
    if (virConnectDomainEventRegister(conn, on_lifecycle, NULL, NULL) < 0)
        return fail("cannot watch the VM: %s", virGetLastErrorMessage());
    say("starting the VM");
    virDomainPtr dom = virDomainCreateXML(conn, xml, 0);
    if (!dom) {
        fail("cannot start VM: %s", virGetLastErrorMessage());
        virConnectDomainEventDeregister(conn, on_lifecycle);
        return -1;
    }
    say("the VM '%s' runs with id %u", virDomainGetName(dom), virDomainGetID(dom));
    while (!quit && !ended)
        if (virEventRunDefaultImpl() < 0)
            break;
    if (!ended) {
        say("ending the VM");
        virDomainDestroy(dom);
    }
    say("the VM has ended");
    virConnectDomainEventDeregister(conn, on_lifecycle);
    virDomainFree(dom);
    return 0;
}

static int run(const char *file, const char *root, char **secrets)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = NULL;
    if (!g_file_get_contents(file, &xml, NULL, &error))
        return fail("cannot read %s: %s", file, error->message);
    g_autofree char *escaped = g_uri_escape_string(root, "/", FALSE);
    g_autofree char *uri = g_strdup_printf("qemu:///embed?root=%s", escaped);
    virSetErrorFunc(NULL, quiet);
    if (virEventRegisterDefaultImpl() < 0 || virEventAddHandle(wake[0], VIR_EVENT_HANDLE_READABLE, woken, NULL,
                                                            NULL) < 0)
        return fail("cannot begin: %s", virGetLastErrorMessage());
    say("opening %s", uri);
    virConnectPtr conn = virConnectOpen(uri);
    if (!conn)
        return fail("cannot open %s: %s", uri, virGetLastErrorMessage());
    int ret = 0;
    for (char **pair = secrets; ret == 0 && pair && *pair; pair++)
        ret = load_secret(conn, *pair);
    if (ret == 0)
        ret = run_guest(conn, xml);
    virConnectClose(conn);
    return ret;
}

int main(int argc, char **argv)
{
    g_autofree char *root = NULL;
    g_auto(GStrv) secrets = NULL;
    GOptionEntry entries[] = {
        { "secret", 's', 0, G_OPTION_ARG_STRING_ARRAY, &secrets, "Load secret file", "SECRET-XML-FILE,SECRET-VALUE-FILE" },
        { "root", 'r', 0, G_OPTION_ARG_STRING, &root, "Root directory", "DIR" },
        { "debug", 'd', 0, G_OPTION_ARG_NONE, &debug, "Debug output", NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Verbose output", NULL },
        { NULL, 0, 0, 0, NULL, NULL, NULL },
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("GUEST-XML-FILE - run a standalone QEMU process");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fail("option parsing failed: %s", error->message);
        return 1;
    }
    if (argc != 2) {
        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
        fprintf(stderr, "%s", help);
        return 1;
    }
    began = g_get_monotonic_time();
    if (debug)
        g_setenv("LIBVIRT_DEBUG", "1", FALSE);
    if (!g_unix_open_pipe(wake, FD_CLOEXEC, &error) || !g_unix_set_fd_nonblocking(wake[1], TRUE, &error)) {
        fail("cannot begin: %s", error->message);
        return 1;
    }
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    g_autofree char *temporary = root ? NULL : g_dir_make_tmp("virt-qemu-run-XXXXXX", &error);
    if (!root && !temporary) {
        fail("cannot make a folder for the VM: %s", error->message);
        return 1;
    }
    g_autofree char *absolute = root ? g_canonicalize_filename(root, NULL) : g_strdup(temporary);
    int ret = run(argv[1], absolute, secrets);
    if (temporary)
        remove_tree(temporary);
    return ret < 0;
}
