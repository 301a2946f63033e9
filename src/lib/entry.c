/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/entry.h"
#include "base/error.h"
#include "base/uuid.h"
#include <errno.h>
#include <sys/stat.h>

#define FAIL_IN(domain, code, ...) (error_report((domain), (code), __VA_ARGS__), -1)
#define FAIL_ARG(domain, name, func, ...) (error_report_argument((domain), (func), (name), __VA_ARGS__), -1)

/* The error code and domain of a handle that isn't one; domain -1: that of the function. */
static const struct { ObjectClass cls; int code; int domain; } invalid_codes[] = {
    { OBJECT_CONNECT, VIR_ERR_INVALID_CONN, -1 },
    { OBJECT_DOMAIN, VIR_ERR_INVALID_DOMAIN, VIR_FROM_DOM },
    { OBJECT_NETWORK, VIR_ERR_INVALID_NETWORK, VIR_FROM_NETWORK },
    { OBJECT_NETWORK_PORT, VIR_ERR_INVALID_NETWORK_PORT, VIR_FROM_NETWORK },
    { OBJECT_INTERFACE, VIR_ERR_INVALID_INTERFACE, VIR_FROM_INTERFACE },
    { OBJECT_STORAGE_POOL, VIR_ERR_INVALID_STORAGE_POOL, VIR_FROM_STORAGE },
    { OBJECT_STORAGE_VOL, VIR_ERR_INVALID_STORAGE_VOL, VIR_FROM_STORAGE },
    { OBJECT_NODE_DEVICE, VIR_ERR_INVALID_NODE_DEVICE, VIR_FROM_NODEDEV },
    { OBJECT_SECRET, VIR_ERR_INVALID_SECRET, VIR_FROM_SECRET },
    { OBJECT_STREAM, VIR_ERR_INVALID_STREAM, VIR_FROM_STREAMS },
    { OBJECT_NWFILTER, VIR_ERR_INVALID_NWFILTER, VIR_FROM_NWFILTER },
    { OBJECT_NWFILTER_BINDING, VIR_ERR_INVALID_NWFILTER_BINDING, VIR_FROM_NWFILTER },
    { OBJECT_DOMAIN_SNAPSHOT, VIR_ERR_INVALID_DOMAIN_SNAPSHOT, VIR_FROM_DOMAIN_SNAPSHOT },
    { OBJECT_DOMAIN_CHECKPOINT, VIR_ERR_INVALID_DOMAIN_CHECKPOINT, VIR_FROM_DOMAIN_CHECKPOINT },
};

static int invalid_handle(int domain, ObjectClass cls, const char *func)
{
    for (guint i = 0; i < G_N_ELEMENTS(invalid_codes); i++)
        if (invalid_codes[i].cls == cls)
            error_report(invalid_codes[i].domain < 0 ? domain : invalid_codes[i].domain, invalid_codes[i].code, "%s", func);
    return -1;
}

int entry_check_in(int domain, const void *handle, ObjectClass cls, EntryAccess access, const char *func)
{
    if (!object_is(handle, cls))
        return invalid_handle(domain, cls, func);
    virConnectPtr conn = object_connect((void *) handle);
    if (!object_is(conn, OBJECT_CONNECT))
        return invalid_handle(domain, OBJECT_CONNECT, func);
    if (access == ENTRY_WRITE && (conn->flags & VIR_CONNECT_RO))
        return FAIL_IN(domain, VIR_ERR_OPERATION_DENIED, "read only access prevents %s", func);
    driver_serves(conn);
    return 0;
}

int entry_nonnull_in(int domain, const void *arg, const char *name, const char *func)
{
    if (arg)
        return 0;
    return FAIL_ARG(domain, name, func, "%s in %s must not be NULL", name, func);
}

int entry_nonempty_in(int domain, const char *arg, const char *name, const char *func)
{
    if (entry_nonnull_in(domain, arg, name, func) < 0)
        return -1;
    if (*arg)
        return 0;
    return FAIL_ARG(domain, name, func, "string %s in %s must not be empty", name, func);
}

int entry_path_in(int domain, const char *arg, const char *name, const char *func, char **full)
{
    if (entry_nonnull_in(domain, arg, name, func) < 0)
        return -1;
    gboolean absolute = g_path_is_absolute(arg);
    if (lib_is_daemon()) {
        *full = absolute ? g_strdup(arg) : NULL;
        return absolute ? 0 : FAIL_ARG(domain, name, func, "%s in %s must be an absolute path, not '%s'", name, func, arg);
    }
    g_autofree char *here = absolute ? NULL : realpath(".", NULL);
    if (!absolute && !here) {
        error_report_errno(domain, errno, "cannot tell where '%s', %s in %s, is: the current folder can't be found", arg, name, func);
        return -1;
    }
    *full = g_canonicalize_filename(arg, here ? here : "/");
    return 0;
}

int entry_array_in(int domain, const void *array, long long count, const char *name, const char *func)
{
    if (count < 0)
        return FAIL_ARG(domain, name, func, "the number of items of %s in %s must be zero or greater", name, func);
    if (array || count == 0)
        return 0;
    return FAIL_ARG(domain, name, func, "%s in %s must not be NULL", name, func);
}

int entry_nonneg_in(int domain, long long arg, const char *name, const char *func)
{
    if (arg >= 0)
        return 0;
    return FAIL_ARG(domain, name, func, "%s in %s must be zero or greater", name, func);
}

int entry_demand_in(int domain, gboolean met, const char *demand, const char *name, const char *func)
{
    if (met)
        return 0;
    return FAIL_ARG(domain, name, func, "%s in %s must %s", name, func, demand);
}

int entry_socket_in(int domain, int fd, const char *name, const char *func)
{
    struct stat st;

    if (entry_nonneg_in(domain, fd, name, func) < 0)
        return -1;
    if (fstat(fd, &st) < 0) {
        error_report_errno(domain, errno, "cannot use descriptor %d, %s in %s", fd, name, func);
        return -1;
    }
    if (S_ISSOCK(st.st_mode))
        return 0;
    return FAIL_ARG(domain, name, func, "descriptor %d, %s in %s, must be a socket", fd, name, func);
}

void entry_failed(const void *handle)
{
    virConnectPtr conn = NULL;
    const Object *o = handle;
    if (o && o->magic >= OBJECT_CONNECT && o->magic <= OBJECT_DOMAIN_CHECKPOINT)
        conn = object_connect((void *) handle);
    error_dispatch(conn);
}

void entry_missing_in(int domain, const void *handle, int code, const char *func)
{
    error_report(domain, code, code == VIR_ERR_NO_SUPPORT ? "%s" : "%s: this driver can't do it", func);
    entry_failed(handle);
}

void entry_format_uuid(const unsigned char *uuid, char *text)
{
    uuid_format(uuid, text);
}

int entry_parse_uuid_in(int domain, const char *text, unsigned char *uuid, const char *func)
{
    if (uuid_parse(text, uuid) == 0)
        return 0;
    return FAIL_ARG(domain, "uuidstr", func, "uuidstr in %s must be a valid UUID", func);
}
