/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What lets a connection in: from a file of credentials or else asked of whoever opens it. The callback is the program's: it may
 * wait for a user.
 *
 * The file is the first of $LIBVIRT_AUTH_FILE, authfile= of the URI, libvirt/auth.conf of the user's configuration, that of the system.
 * Its group [auth-SERVICE-HOST] (or -default) names by `credentials` a group [credentials-NAME] with some of `username`, `authname`, `password` and
 * `realm`.
 */
#pragma once
#include "core/driver.h"
#include "core/objects.h"

/** Who asks for credentials: @service as the file calls it, on @host, for a connection to @uri. */
typedef struct {
    const Uri *uri;
    const char *service, *host;
} AuthPlace;

/** A user's name, or a password for @user. Caller frees with auth_free(). NULL with an error: of VIR_FROM_AUTH, VIR_ERR_INVALID_ARG
 * if @auth is NULL, VIR_ERR_AUTH_FAILED if the program can't be asked for such a thing, or doesn't answer; VIR_ERR_CONF_SYNTAX if
 * the file lacks what it refers to, VIR_ERR_INTERNAL_ERROR if it can't be read. */
char *auth_ask_user(virConnectAuthPtr auth, const AuthPlace *place);
char *auth_ask_password(virConnectAuthPtr auth, const char *user, const AuthPlace *place);

/* Kinds of credentials that there are. */
#define AUTH_KINDS_MAX 16

/** What an answer can be had for, from the file or the program: virConnectCredentialType into @kinds. Their number, or -1 with an error
 * as above. */
int auth_kinds(virConnectAuthPtr auth, const AuthPlace *place, int kinds[AUTH_KINDS_MAX]);
/** Fill in the results, from the file or by one call of the program for all that the file doesn't have; each is freed with
 * auth_free(), also after a failure. A result stays NULL if the standard one (defresult) is fine. 0, or -1 with an error as above. */
int auth_answer(virConnectAuthPtr auth, const AuthPlace *place, virConnectCredentialPtr credentials, unsigned n);

/** Free, and leave nothing of it in memory. */
void auth_free(char *secret);
