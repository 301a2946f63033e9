/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Guest object and its log.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#define LOG_SOURCE "domain.guest"
#include "base/error.h"
#include <errno.h>
#include "base/file.h"
#include "base/log.h"
#include "domain/persist.h"
#include "domain/run.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

Guest *guest_new(DomainHost *host, DomainObj *obj, const char *name, int id)
{
    GuestCore *core = g_new0(GuestCore, 1);
    core->pub = (Guest) { .refs = 1, .host = host, .dom = domain_obj_ref(obj), .id = id, .log_fd = -1 };
    core->pub.name = g_strdup(name);
    memcpy(core->pub.uuid, obj->entry.uuid, VIR_UUID_BUFLEN);
    g_mutex_init(&core->lock);
    g_mutex_init(&core->status_lock);
    g_cond_init(&core->end_cond);
    core->want_pause = core->want_run = -1;
    if (host_backend(host)->guest_new)
        host_backend(host)->guest_new(&core->pub);
    return &core->pub;
}

Guest *guest_ref(Guest *guest)
{
    g_atomic_int_inc(&guest->refs);
    return guest;
}

void guest_unref(Guest *guest)
{
    if (!guest || !g_atomic_int_dec_and_test(&guest->refs))
        return;
    GuestCore *core = guest_core(guest);
    const DomainBackend *backend = host_backend(guest->host);
    if (guest->priv && backend->guest_free)
        backend->guest_free(guest);
    if (guest->log_fd >= 0)
        close(guest->log_fd);
    g_mutex_clear(&core->lock);
    g_mutex_clear(&core->status_lock);
    g_clear_pointer(&core->status_live, shared_def_unref);
    g_free(core->status_middle);
    g_cond_clear(&core->end_cond);
    g_free(guest->name);
    domain_obj_unref(guest->dom);
    g_free(core);
}

gint64 guest_deadline_ms(const Guest *guest)
{
    return host_deadline_ms(guest->host);
}

Loop *guest_loop(const Guest *guest)
{
    return host_loop(guest->host);
}

void *guest_host_priv(const Guest *guest)
{
    return host_priv(guest->host);
}

void guest_log(Guest *guest, const char *fmt, ...)
{
    const HostPaths *paths = host_paths(guest->host);
    if (!paths)
        return;
    g_autofree char *path = persist_path(paths->log, guest->name, "log");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return; /* no log was made yet */
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *when = g_date_time_format(now, "%F %T");
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_printf(line, "%s.%03d+0000: ", when, g_date_time_get_microsecond(now) / 1000);
    va_list args;
    va_start(args, fmt);
    g_string_append_vprintf(line, fmt, args);
    va_end(args);
    g_string_append_c(line, '\n');
    if (file_write_all(fd, line->str, line->len) < 0)
        LOG_WARN("cannot write '%s': %s", path, g_strerror(errno));
    close(fd);
}

/* By bit; the order is that of the status files. */
static const char *const taints[] = {
    "custom-argv", "custom-monitor", "high-privileges", "shell-scripts", "disk-probing", "external-launch", "host-cpu",
    "hook-script", "cdrom-passthrough", "custom-dtb", "custom-ga-command", "custom-hypervisor-feature",
    "deprecated-config", "custom-device",
};

const char *taint_name(guint bit)
{
    return bit < G_N_ELEMENTS(taints) ? taints[bit] : NULL;
}
