/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host sleeps for a while. The clock that wakes it is set before anybody is told that it will sleep, and it falls asleep a moment
 * later, from a thread of its own: whoever asked is to hear the answer first, and the kernel's file answers when the host is awake again.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#define LOG_SOURCE "host.suspend"
#include "core/host/host.h"
#include <errno.h>
#include <fcntl.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#define STATE "/sys/power/state"
#define DISK "/sys/power/disk"
#define ALARM "/sys/class/rtc/rtc0/wakealarm"
#define LEAST_SECONDS 60
#define MOMENT_MS 1000
#define TEXT_MAX 4096

typedef struct Sleep {
    char *root;
    const char *state, *disk;   /* words for the kernel; @disk may be NULL */
} Sleep;

static gint under_way;

static int put(const char *root, const char *file, const char *value)
{
    g_autofree char *path = g_strconcat(root, file, NULL);

    return host_write(path, value, O_TRUNC) == 0 ? 0 : FAIL_ERRNO(errno, "cannot write '%s' to '%s'", value, path);
}

static gboolean offers(const char *root, const char *file, const char *word)
{
    g_autofree char *path = g_strconcat(root, file, NULL), *text = NULL;

    if (file_read_optional(path, TEXT_MAX, &text, NULL) <= 0) {
        virResetLastError();
        return FALSE;
    }
    g_strdelimit(text, "[]\n", ' ');        /* around what is chosen now */
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    return g_strv_contains((const char *const *)words, word);
}

static gpointer fall_asleep(gpointer opaque)
{
    Sleep *nap = opaque;

    g_usleep(MOMENT_MS * 1000);
    LOG_INFO("the host goes to sleep (%s)", nap->state);
    if ((nap->disk && put(nap->root, DISK, nap->disk) < 0) || put(nap->root, STATE, nap->state) < 0)
        LOG_ERROR("the host doesn't sleep: %s", error_message());
    g_atomic_int_set(&under_way, 0);
    g_free(nap->root);
    g_free(nap);
    return NULL;
}

/* The words for a target. -1 with an error if the kernel hasn't them. */
static int choose(const char *root, unsigned int target, Sleep *nap)
{
    static const char *const names[] = { "Suspend-to-RAM", "Suspend-to-Disk", "Hybrid-Suspend" };

    if (target >= G_N_ELEMENTS(names))
        return FAIL(VIR_ERR_INVALID_ARG, "Invalid suspend target");
    nap->state = target == VIR_NODE_SUSPEND_TARGET_MEM ? "mem" : "disk";
    nap->disk = target == VIR_NODE_SUSPEND_TARGET_HYBRID ? "suspend" : target == VIR_NODE_SUSPEND_TARGET_MEM ? NULL :
        offers(root, DISK, "platform") ? "platform" : "shutdown";
    if (offers(root, STATE, nap->state) && (!nap->disk || offers(root, DISK, nap->disk)))
        return 0;
    return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "%s: the host's kernel doesn't offer it ('cat " STATE " " DISK "')", names[target]);
}

/* An old alarm goes first: the kernel doesn't replace one. */
static int set_alarm(const char *root, unsigned long long seconds)
{
    g_autofree char *text = g_strdup_printf("+%llu", seconds);

    return put(root, ALARM, "0") < 0 ? -1 : put(root, ALARM, text);
}

int host_suspend(const char *root, unsigned int target, unsigned long long seconds)
{
    Sleep nap = { 0 }, *later;
    GThread *thread;

    if (choose(root, target, &nap) < 0)
        return -1;
    if (seconds < LEAST_SECONDS)
        return FAIL(VIR_ERR_INVALID_ARG, "Suspend duration is too short: at least %d seconds", LEAST_SECONDS);
    if (!g_atomic_int_compare_and_exchange(&under_way, 0, 1))
        return FAIL(VIR_ERR_OPERATION_INVALID, "Suspend operation already in progress");
    if (set_alarm(root, seconds) < 0) {
        g_atomic_int_set(&under_way, 0);
        return -1;
    }
    later = g_new0(Sleep, 1);
    *later = (Sleep){ g_strdup(root), nap.state, nap.disk };
    thread = g_thread_new("suspend", fall_asleep, later);
    g_thread_unref(thread);
    return 0;
}
