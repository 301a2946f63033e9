/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The error contract. One error per thread (the virError that virGetLastError() returns). A function
 * returns its result and leaves the error alone, or sets it and returns -1/NULL. Whoever knows more on
 * the way up adds it with error_context(). Each .c file that raises errors defines ERROR_DOMAIN
 * (a VIR_FROM_xxx) before this header is included.
 */
#pragma once
#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/** Set this thread's error. @domain VIR_FROM_xxx, @code VIR_ERR_xxx; @fmt the detail, which is put behind
 * the standing text of the code ("Domain not found: ..."); NULL for the text alone. Never changes errno. */
void error_report(int domain, int code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/** An argument of the API function @function is wrong: VIR_ERR_INVALID_ARG, with the detail alone as the message and with the
 * names of function and @argument as the strings of the error. */
void error_report_argument(int domain, const char *function, const char *argument, const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/** As error_report() with VIR_ERR_SYSTEM_ERROR; the text of @errnum is appended; int1 of the error is @errnum. */
void error_report_errno(int domain, int errnum, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/** Put "text: " in front of the detail of this thread's error. Does nothing without an error. */
void error_context(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/** Set this thread's error to what another party reported (the text is taken whole, not prefixed).
 * Any string may be NULL. */
void error_set_raw(int domain, int code, int level, const char *message,
                   const char *str1, const char *str2, const char *str3, int int1, int int2);

/** Code of this thread's error, VIR_ERR_OK if none. */
int error_code(void);

/** Message of this thread's error; never NULL. Valid until the thread's next error call. */
const char *error_message(void);

/** Take this thread's error away from it (NULL if none); give it back with error_restore(), which frees it. */
virErrorPtr error_save(void);
void error_restore(virErrorPtr err);

/** The standing text of an error @code, with or without room for a detail; NULL if the code is unknown. */
const char *error_code_text(int code);

/** Who an error of @domain (a VIR_FROM_xxx) comes from, as the default handler writes it; "" if that is nobody in particular. */
const char *error_domain_text(int domain);

/** Function that handles reported errors when neither connection nor program set one: used by the entry points. */
void error_dispatch(virConnectPtr conn);

/** Refuse flags of the API function @function (its name) beyond @allowed: 0, or -1 with VIR_ERR_INVALID_ARG of @domain. */
int error_check_flags(int domain, const char *function, unsigned int flags, unsigned int allowed);

#define FAIL(code, ...) (error_report(ERROR_DOMAIN, (code), __VA_ARGS__), -1)
#define FAIL_NULL(code, ...) (error_report(ERROR_DOMAIN, (code), __VA_ARGS__), NULL)
#define FAIL_ERRNO(errnum, ...) (error_report_errno(ERROR_DOMAIN, (errnum), __VA_ARGS__), -1)
#define FAIL_ERRNO_NULL(errnum, ...) (error_report_errno(ERROR_DOMAIN, (errnum), __VA_ARGS__), NULL)

/** In an API function: answer @failure if there are flags beyond @allowed. */
#define CHECK_FLAGS(flags, allowed, failure) \
    do { \
        if (error_check_flags(ERROR_DOMAIN, __func__, (flags), (allowed)) < 0) \
            return (failure); \
    } while (0)
