/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_AUTH
#include "core/auth.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"

/* Longest file of credentials. */
#define FILE_MAX (1024 * 1024)

void auth_free(char *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret); /* the callback made it by malloc() */
}

/* Path of the file of credentials. NULL: there is none, and nobody said that there is. */
static char *file_path(const Uri *uri)
{
    const char *named = g_getenv("LIBVIRT_AUTH_FILE");
    if (!named)
        named = uri_param(uri, "authfile");
    if (named)
        return g_strdup(named);
    g_autofree char *own = g_build_filename(g_get_user_config_dir(), "libvirt", "auth.conf", NULL);
    if (access(own, R_OK) == 0)
        return g_steal_pointer(&own);
    return access(SYSCONFDIR "/libvirt/auth.conf", R_OK) == 0 ? g_strdup(SYSCONFDIR "/libvirt/auth.conf") : NULL;
}

static GKeyFile *load(const char *path)
{
    size_t len = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(GKeyFile) file = g_key_file_new();
    char *text = file_read(path, FILE_MAX, &len);
    gboolean ok = text && g_key_file_load_from_data(file, text, len, G_KEY_FILE_NONE, &error);
    if (text)
        explicit_bzero(text, len);
    g_free(text);
    if (ok || (error && g_error_matches(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_NOT_FOUND)))
        return g_steal_pointer(&file);
    g_autofree char *why = g_strdup(error ? error->message : error_message());
    error_report(VIR_FROM_NONE, VIR_ERR_INTERNAL_ERROR, "credentials can't be read from '%s': %s", path, why);
    return NULL;
}

/* What the file @path says for @key. 1: *value is set, 0: nothing, -1 with an error. */
static int from_file(const char *path, const AuthPlace *place, const char *key, char **value)
{
    g_autoptr(GKeyFile) file = load(path);
    if (!file)
        return -1;
    g_autofree char *group = g_strdup_printf("auth-%s-%s", place->service, place->host);
    if (!g_key_file_has_group(file, group)) {
        g_free(group);
        group = g_strdup_printf("auth-%s-default", place->service);
        if (!g_key_file_has_group(file, group))
            return 0;
    }
    g_autofree char *name = g_key_file_get_value(file, group, "credentials", NULL);
    g_autofree char *set = g_strdup_printf("credentials-%s", name ? name : "");
    if (!name || !g_key_file_has_group(file, set)) {
        error_report(VIR_FROM_NONE, VIR_ERR_CONF_SYNTAX, "%s: [%s] names no credentials = NAME with a group [credentials-NAME]", path,
                     group);
        return -1;
    }
    *value = g_key_file_get_value(file, set, key, NULL);
    return *value ? 1 : 0;
}

static int find_in_file(const AuthPlace *place, const char *key, char **value)
{
    g_autofree char *path = file_path(place->uri);
    return path ? from_file(path, place, key, value) : 0;
}

/* The first of @kinds (ended by -1) that the program answers. */
static int choose_kind(virConnectAuthPtr auth, const int *kinds)
{
    for (unsigned int i = 0; i < auth->ncredtype; i++) { /* in the program's order */
        for (const int *kind = kinds; *kind >= 0; kind++) {
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

char *auth_ask_user(virConnectAuthPtr auth, const AuthPlace *place)
{
    static const int kinds[] = { VIR_CRED_AUTHNAME, -1 };
    char *found = NULL;
    if (find_in_file(place, "username", &found) != 0)
        return found;
    return ask(auth, kinds, "user's name", place->host, g_strdup_printf("Enter username for %s", place->host));
}

char *auth_ask_password(virConnectAuthPtr auth, const char *user, const AuthPlace *place)
{
    static const int kinds[] = { VIR_CRED_PASSPHRASE, VIR_CRED_NOECHOPROMPT, -1 };
    char *found = NULL;
    if (find_in_file(place, "password", &found) != 0)
        return found;
    return ask(auth, kinds, "password", place->host, g_strdup_printf("Enter %s's password for %s", user, place->host));
}

/* Several at once */

static const struct { int kind; const char *key; } keys[] = {
    { VIR_CRED_USERNAME, "username" }, { VIR_CRED_AUTHNAME, "authname" }, { VIR_CRED_PASSPHRASE, "password" },
    { VIR_CRED_REALM, "realm" },
};

static int add_kind(int kinds[AUTH_KINDS_MAX], int n, int kind)
{
    for (int i = 0; i < n; i++)
        if (kinds[i] == kind)
            return n;
    if (n < AUTH_KINDS_MAX)
        kinds[n++] = kind;
    return n;
}

int auth_kinds(virConnectAuthPtr auth, const AuthPlace *place, int kinds[AUTH_KINDS_MAX])
{
    int n = 0;
    for (unsigned int i = 0; auth && auth->cb && i < auth->ncredtype; i++)
        n = add_kind(kinds, n, auth->credtype[i]);
    for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
        char *found = NULL;
        int has = find_in_file(place, keys[k].key, &found);
        auth_free(found);
        if (has < 0)
            return -1;
        if (has)
            n = add_kind(kinds, n, keys[k].kind);
    }
    return n;
}

/* 1: answered, 0: the file doesn't know, -1 with an error. */
static int answer_from_file(const AuthPlace *place, virConnectCredentialPtr credential)
{
    for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
        if (keys[k].kind != credential->type)
            continue;
        int has = find_in_file(place, keys[k].key, &credential->result);
        if (has > 0)
            credential->resultlen = strlen(credential->result);
        return has;
    }
    return 0;
}

static int refuse(const char *text, const char *host)
{
    error_report(VIR_FROM_REMOTE, VIR_ERR_AUTH_FAILED, text, host);
    return -1;
}

int auth_answer(virConnectAuthPtr auth, const AuthPlace *place, virConnectCredentialPtr credentials, unsigned n)
{
    g_autofree virConnectCredential *open = g_new0(virConnectCredential, n);
    g_autofree unsigned *at = g_new(unsigned, n);
    unsigned n_open = 0;
    for (unsigned i = 0; i < n; i++) {
        int has = answer_from_file(place, &credentials[i]);
        if (has < 0)
            return -1;
        if (has == 0) {
            at[n_open] = i;
            open[n_open++] = credentials[i];
        }
    }
    if (n_open == 0)
        return 0;
    if (!auth || !auth->cb)
        return refuse("'%s' wants authentication, and the program that opens it passed nobody to ask", place->host);
    int ret = auth->cb(open, n_open, auth->cbdata);
    for (unsigned i = 0; i < n_open; i++) {
        credentials[at[i]].result = open[i].result;
        credentials[at[i]].resultlen = open[i].resultlen;
    }
    return ret < 0 ? refuse("Failed to collect auth credentials for '%s'", place->host) : 0;
}
