/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asking whoever opens a connection for what lets him in. The callback is the program's: it may wait for a user.
 */
#pragma once
#include "core/objects.h"

/** A user's name, or a password for @user on @host. Caller frees with auth_free(). NULL with an error of VIR_FROM_AUTH:
 * VIR_ERR_INVALID_ARG if @auth is NULL, VIR_ERR_AUTH_FAILED if the program can't be asked for such a thing, or doesn't answer. */
char *auth_ask_user(virConnectAuthPtr auth, const char *host);
char *auth_ask_password(virConnectAuthPtr auth, const char *user, const char *host);

/** Free, and leave nothing of it in memory. */
void auth_free(char *secret);
