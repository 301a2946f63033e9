/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_AUTH
#include "core/auth.h"
#include <stdlib.h>
#include <string.h>
#include "base/error.h"

void auth_free(char *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret); /* the callback made it by malloc() */
}

/* The first of @kinds (ended by -1) that the program answers. */
static int choose_kind(virConnectAuthPtr auth, const int *kinds)
{
    for (const int *kind = kinds; *kind >= 0; kind++) {
        for (unsigned int i = 0; i < auth->ncredtype; i++) {
            if (auth->credtype[i] == *kind)
                return *kind;
        }
    }
    return -1;
}

static char *ask(virConnectAuthPtr auth, const int *kinds, const char *what, const char *host, char *prompt)
{
    g_autofree char *text = prompt;
    if (!auth || !auth->cb)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "'%s' wants authentication, and the program that opens it passed nobody to ask "
                         "for the %s", host, what);
    virConnectCredential credential = { .type = choose_kind(auth, kinds), .prompt = text, .challenge = host };
    if (credential.type < 0)
        return FAIL_NULL(VIR_ERR_AUTH_FAILED, "the program can't be asked for the %s that '%s' wants", what, host);
    int rc = auth->cb(&credential, 1, auth->cbdata);
    if (rc < 0 || !credential.result) {
        auth_free(credential.result);
        return FAIL_NULL(VIR_ERR_AUTH_FAILED, "no %s was given for '%s'", what, host);
    }
    return credential.result;
}

char *auth_ask_user(virConnectAuthPtr auth, const char *host)
{
    static const int kinds[] = { VIR_CRED_AUTHNAME, -1 };
    return ask(auth, kinds, "user's name", host, g_strdup_printf("Enter username for %s", host));
}

char *auth_ask_password(virConnectAuthPtr auth, const char *user, const char *host)
{
    static const int kinds[] = { VIR_CRED_PASSPHRASE, VIR_CRED_NOECHOPROMPT, -1 };
    return ask(auth, kinds, "password", host, g_strdup_printf("Enter %s's password for %s", user, host));
}
