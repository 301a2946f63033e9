/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Core dumps of guests.
 */
#define ERROR_DOMAIN api_error_domain
#define LOG_SOURCE "domain.dump"
#include "domain/api.h"
#include "base/file.h"
#include "base/log.h"
#include "core/direct_copy.h"
#include "domain/functions.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* So much of a guest's name is in that of a dump that it gets by itself. */
#define AUTOMATIC_NAME_MAX 20

static int check_dump(unsigned int format, unsigned int flags)
{
    if (format > VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP)
        return FAIL(VIR_ERR_INVALID_ARG, "unknown format %u of core dumps", format);
    if ((flags & VIR_DUMP_CRASH) && (flags & (VIR_DUMP_LIVE | VIR_DUMP_RESET)))
        return FAIL(VIR_ERR_INVALID_ARG, "a guest that is to end with its dump can't be dumped alive, nor be reset");
    if ((flags & VIR_DUMP_LIVE) && (flags & VIR_DUMP_RESET))
        return FAIL(VIR_ERR_INVALID_ARG, "a guest can't be dumped while it runs and be reset afterwards");
    return 0;
}

static int fill(Guest *guest, int fd, const char *to, unsigned int format, unsigned int flags)
{
    const DomainBackend *backend = host_backend(guest->host);
    if (!(flags & VIR_DUMP_BYPASS_CACHE))
        return backend->dump(guest, fd, format, flags);
    DirectCopy *copy = direct_copy_to_file(fd, to);
    return copy ? direct_copy_end(copy, backend->dump(guest, direct_copy_fd(copy), format, flags), guest_deadline_ms(guest)) : -1;
}

static int write_dump(Guest *guest, const char *to, unsigned int format, unsigned int flags)
{
    int fd = file_create(to, O_TRUNC, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    if (fd < 0)
        return -1;
    int rc = GUEST_CALL(fill(guest, fd, to, format, flags));
    if (rc == 0 && GUEST_CALL(fsync(fd)) < 0)
        rc = FAIL_ERRNO(errno, "cannot write the core dump '%s'", to);
    close(fd);
    if (rc < 0)
        unlink(to);
    return rc;
}

/* What a dump is followed by. */
static int go_on(Guest *guest, gboolean stopped, unsigned int flags)
{
    const DomainBackend *backend = host_backend(guest->host);
    if (flags & VIR_DUMP_CRASH) {
        if (run_end(guest, VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_EVENT_STOPPED_CRASHED) < 0)
            return -1;
        return run_wait_ended(guest, guest_deadline_ms(guest)) ? 0
            : FAIL(VIR_ERR_OPERATION_TIMEOUT, "the end of domain '%s' is under way but not over", guest->name);
    }
    if ((flags & VIR_DUMP_RESET) && (!backend->reset || GUEST_CALL(backend->reset(guest)) < 0))
        return backend->reset ? -1 : FAIL(VIR_ERR_NO_SUPPORT, "reset of domain '%s'", guest->name);
    if (stopped && run_cont(guest, VIR_DOMAIN_RUNNING_UNPAUSED) < 0)
        return -1;
    return status_save(guest);
}

static int dump(virDomainPtr dom, const char *to, unsigned int format, unsigned int flags)
{
    g_auto(Access) a = { NULL };
    if (check_dump(format, flags) < 0 || api_begin_long(&a, dom, "virDomainCoreDump") < 0 || api_need_active(&a) < 0)
        return -1;
    Guest *guest = a.state->guest;
    gboolean stop = a.state->state == VIR_DOMAIN_RUNNING && !(flags & VIR_DUMP_LIVE) &&
                    !host_backend(a.obj->host)->simulated;
    if (stop && run_pause(guest, VIR_DOMAIN_PAUSED_DUMP) < 0)
        return -1;
    /* One that stands still isn't to run afterwards. */
    unsigned int how = a.state->state == VIR_DOMAIN_RUNNING ? flags : flags & ~(unsigned int) VIR_DUMP_LIVE;
    if (write_dump(guest, to, format, how) < 0) {
        virErrorPtr error = error_save();
        if (stop && run_cont(guest, VIR_DOMAIN_RUNNING_UNPAUSED) < 0)
            LOG_ERROR("domain '%s' stays paused: %s", guest->name, error_message());
        error_restore(error);
        return -1;
    }
    if (go_on(guest, stop, flags) < 0)
        return -1;
    if (flags & VIR_DUMP_CRASH)
        dom->id = -1;
    return 0;
}

#define DUMP_FLAGS (VIR_DUMP_CRASH | VIR_DUMP_LIVE | VIR_DUMP_BYPASS_CACHE | VIR_DUMP_RESET | VIR_DUMP_MEMORY_ONLY)

int core_domain_core_dump_with_format(virDomainPtr dom, const char *to, unsigned int format, unsigned int flags)
{
    API_FLAGS(flags, DUMP_FLAGS, -1);
    return dump(dom, to, format, flags);
}

int core_domain_core_dump(virDomainPtr dom, const char *to, unsigned int flags)
{
    API_FLAGS(flags, DUMP_FLAGS, -1);
    return dump(dom, to, VIR_DOMAIN_CORE_DUMP_FORMAT_RAW, flags);
}

/* ---- dumps that nobody asked for ---- */

/* A name for the next dump of a guest: "ID-NAME-DATE". */
static char *automatic_path(const Guest *guest, const char *folder)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *date = g_date_time_format(now, "%Y-%m-%d-%H:%M:%S"), *name = g_strndup(guest->name, AUTOMATIC_NAME_MAX);
    return g_strdup_printf("%s/%d-%s-%s", folder, guest->id, name, date);
}

static int dump_automatically(Guest *guest, unsigned int flags)
{
    const HostPaths *paths = host_paths(guest->host);
    if (!paths || !host_backend(guest->host)->dump)
        return FAIL(VIR_ERR_NO_SUPPORT, "core dumps of domain '%s'", guest->name);
    g_autofree char *to = automatic_path(guest, paths->dump);
    if (paths->dump_bypasses_cache)
        flags |= VIR_DUMP_BYPASS_CACHE;
    if (file_mkdirs(paths->dump, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 ||
        write_dump(guest, to, VIR_DOMAIN_CORE_DUMP_FORMAT_RAW, flags) < 0)
        return -1;
    guest_log(guest, "core dump %s", to);
    return 0;
}

int run_dump(Guest *guest, unsigned int flags)
{
    int rc = domain_job_begin(guest->dom, JOB_ASYNC, "virDomainCoreDump");
    if (rc < 0)
        return -1;
    rc = domain_job_begin(guest->dom, JOB_MODIFY, "virDomainCoreDump");
    if (rc == 0) {
        rc = dump_automatically(guest, flags);
        domain_job_end(guest->dom, JOB_MODIFY);
    }
    domain_job_end(guest->dom, JOB_ASYNC);
    return rc;
}
