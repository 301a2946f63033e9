/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One virError per thread. The public functions of virterror.h that read, copy and free errors live
 * here too, as they are nothing but views of it.
 */
#include "base/error.h"
#include "core/objects.h"
#include <errno.h>
#include <stdio.h>

static void thread_error_free(gpointer data)
{
    virFreeError(data);
}

static GPrivate thread_error = G_PRIVATE_INIT(thread_error_free);

/* Handler set by virSetErrorFunc(): what a program does with errors that no connection handles. */
static virErrorFunc global_handler;
static void *global_handler_data;

static virErrorPtr error_current(void)
{
    virErrorPtr err = g_private_get(&thread_error);
    if (!err) {
        err = g_new0(virError, 1);
        g_private_set(&thread_error, err);
    }
    return err;
}

/* A message ends up in logs and on terminals: never let it grow without end. */
#define MESSAGE_MAX 65536

static void error_fill(int domain, int code, int level, char *message)
{
    virErrorPtr err = error_current();
    virResetError(err);
    err->code = code;
    err->domain = domain;
    err->level = level;
    err->message = message;
    err->int1 = err->int2 = -1;
}

static G_GNUC_PRINTF(1, 0) char *make_detail(const char *fmt, va_list args)
{
    char *detail = g_strdup_vprintf(fmt, args);
    if (strlen(detail) > MESSAGE_MAX)
        detail[MESSAGE_MAX] = '\0';
    return detail;
}

/* Codes of which a message has the detail alone. */
static gboolean is_bare(int code)
{
    return code == VIR_ERR_XML_DETAIL || code == VIR_ERR_SYSTEM_ERROR || code == VIR_ERR_RPC || code == VIR_ERR_GNUTLS_ERROR;
}

void error_report(int domain, int code, const char *fmt, ...)
{
    int saved = errno;
    g_autofree char *detail = NULL;
    if (fmt) {
        va_list args;
        va_start(args, fmt);
        detail = make_detail(fmt, args);
        va_end(args);
    }
    const char *text = detail && is_bare(code) ? "" : error_code_text(code);
    if (!text)
        text = detail ? "" : "unknown error";
    const char *joint = !*text || !detail ? "" : g_str_has_suffix(text, " in") || g_str_has_suffix(text, " for") ? " " : ": ";
    error_fill(domain, code, VIR_ERR_ERROR, g_strconcat(text, joint, detail, NULL));
    error_current()->str1 = g_strconcat(text, joint, detail ? "%s" : NULL, NULL);
    error_current()->str2 = g_steal_pointer(&detail);
    errno = saved;
}

void error_report_argument(int domain, const char *function, const char *argument, const char *fmt, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, fmt);
    error_fill(domain, VIR_ERR_INVALID_ARG, VIR_ERR_ERROR, make_detail(fmt, args));
    va_end(args);
    virErrorPtr err = error_current();
    err->str1 = g_strdup(function);
    err->str2 = g_strdup(argument);
    err->int1 = err->int2 = 0;
    errno = saved;
}

int error_check_flags(int domain, const char *function, unsigned int flags, unsigned int allowed)
{
    flags &= ~allowed;
    if (flags)
        error_report_argument(domain, function, "flags", "unsupported flags (0x%x) in function %s", flags, function);
    return flags ? -1 : 0;
}

void error_report_errno(int domain, int errnum, const char *fmt, ...)
{
    g_autofree char *detail = NULL;
    va_list args;
    va_start(args, fmt);
    detail = make_detail(fmt, args);
    va_end(args);
    error_fill(domain, VIR_ERR_SYSTEM_ERROR, VIR_ERR_ERROR, g_strdup_printf("%s: %s", detail, g_strerror(errnum)));
    virErrorPtr err = error_current();
    err->str1 = g_strdup("%s");
    err->str2 = g_strdup(err->message);
    err->int1 = errnum;
    errno = errnum;
}

void error_context(const char *fmt, ...)
{
    virErrorPtr err = g_private_get(&thread_error);
    if (!err || err->code == VIR_ERR_OK || !err->message)
        return;
    g_autofree char *context = NULL;
    va_list args;
    va_start(args, fmt);
    context = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_autofree char *old = err->message;
    const char *text = error_code_text(err->code);
    size_t skip = text && g_str_has_prefix(old, text) && g_str_has_prefix(old + strlen(text), ": ")
                      ? strlen(text) + 2 : 0;
    err->message = g_strdup_printf("%.*s%s: %s", (int) skip, old, context, old + skip);
}

void error_set_raw(int domain, int code, int level, const char *message, const char *str1, const char *str2,
                   const char *str3, int int1, int int2)
{
    error_fill(domain, code, level, g_strdup(message));
    virErrorPtr err = error_current();
    err->str1 = g_strdup(str1);
    err->str2 = g_strdup(str2);
    err->str3 = g_strdup(str3);
    err->int1 = int1;
    err->int2 = int2;
}

int error_code(void)
{
    virErrorPtr err = g_private_get(&thread_error);
    return err ? err->code : VIR_ERR_OK;
}

const char *error_message(void)
{
    return virGetLastErrorMessage();
}

virErrorPtr error_save(void)
{
    virErrorPtr err = g_private_get(&thread_error);
    if (!err || err->code == VIR_ERR_OK)
        return NULL;
    virErrorPtr copy = g_new(virError, 1);
    *copy = *err;
    memset(err, 0, sizeof(*err));
    return copy;
}

void error_restore(virErrorPtr err)
{
    virResetLastError();
    if (!err)
        return;
    *error_current() = *err;
    g_free(err);
}

/* Public view */

int virCopyLastError(virErrorPtr to)
{
    if (!to)
        return -1;
    virResetError(to);
    virErrorPtr err = g_private_get(&thread_error);
    if (!err || err->code == VIR_ERR_OK)
        return 0;
    *to = *err;
    to->message = g_strdup(err->message);
    to->str1 = g_strdup(err->str1);
    to->str2 = g_strdup(err->str2);
    to->str3 = g_strdup(err->str3);
    return to->code;
}

virErrorPtr virGetLastError(void)
{
    virErrorPtr err = g_private_get(&thread_error);
    return err && err->code != VIR_ERR_OK ? err : NULL;
}

int virGetLastErrorCode(void)
{
    return error_code();
}

int virGetLastErrorDomain(void)
{
    virErrorPtr err = virGetLastError();
    return err ? err->domain : VIR_FROM_NONE;
}

const char *virGetLastErrorMessage(void)
{
    virErrorPtr err = virGetLastError();
    if (!err)
        return "no error";
    return err->message ? err->message : "unknown error";
}

virErrorPtr virSaveLastError(void)
{
    int saved = errno;
    virErrorPtr to = g_new0(virError, 1);
    virCopyLastError(to);
    errno = saved;
    return to;
}

void virResetError(virErrorPtr err)
{
    if (!err)
        return;
    g_free(err->message);
    g_free(err->str1);
    g_free(err->str2);
    g_free(err->str3);
    memset(err, 0, sizeof(*err));
}

void virFreeError(virErrorPtr err)
{
    virResetError(err);
    g_free(err);
}

void virResetLastError(void)
{
    virResetError(g_private_get(&thread_error));
}

void virSetErrorFunc(void *userData, virErrorFunc handler)
{
    global_handler = handler;
    global_handler_data = userData;
}

virErrorPtr virConnGetLastError(virConnectPtr conn)
{
    return object_is(conn, OBJECT_CONNECT) ? &conn->err : NULL; /* one of code 0 if there was none */
}

int virConnCopyLastError(virConnectPtr conn, virErrorPtr to)
{
    if (!conn || !to)
        return -1;
    virResetError(to);
    g_mutex_lock(&conn->lock);
    *to = conn->err;
    to->message = g_strdup(conn->err.message);
    to->str1 = g_strdup(conn->err.str1);
    to->str2 = g_strdup(conn->err.str2);
    to->str3 = g_strdup(conn->err.str3);
    g_mutex_unlock(&conn->lock);
    return to->code;
}

void virConnResetLastError(virConnectPtr conn)
{
    if (!conn)
        return;
    g_mutex_lock(&conn->lock);
    virResetError(&conn->err);
    g_mutex_unlock(&conn->lock);
}

void virConnSetErrorFunc(virConnectPtr conn, void *userData, virErrorFunc handler)
{
    if (!conn)
        return;
    g_mutex_lock(&conn->lock);
    conn->handler = handler;
    conn->handler_data = userData;
    g_mutex_unlock(&conn->lock);
}

void virDefaultErrorFunc(virErrorPtr err)
{
    if (!err || err->code == VIR_ERR_OK)
        return;
    const char *level = err->level == VIR_ERR_WARNING ? "warning" : err->level == VIR_ERR_ERROR ? "error" : "";
    fprintf(stderr, "libvirt: %s %s : %s\n", error_domain_text(err->domain), level, err->message ? err->message : "unknown error");
}

void error_dispatch(virConnectPtr conn)
{
    virErrorPtr err = virGetLastError();
    if (!err) {
        error_report(VIR_FROM_NONE, VIR_ERR_INTERNAL_ERROR, "a call failed without saying why");
        err = virGetLastError();
    }
    virErrorFunc handler = global_handler;
    void *data = global_handler_data;
    if (object_is(conn, OBJECT_CONNECT)) {
        g_mutex_lock(&conn->lock);
        virCopyLastError(&conn->err);
        if (conn->handler) {
            handler = conn->handler;
            data = conn->handler_data;
        }
        g_mutex_unlock(&conn->lock);
    }
    if (handler)
        handler(data, err);
    else
        virDefaultErrorFunc(err);
}
