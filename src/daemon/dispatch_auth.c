/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication. Root, and the daemon's own user, are known by their socket; others are checked with polkit where the
 * configuration says so.
 */
#define ERROR_DOMAIN VIR_FROM_POLKIT
#include "base/error.h"
#include "base/user.h"
#include "bus/bus.h"
#include "daemon/dispatch_priv.h"
#include <unistd.h>

/* A person may have to type a password. */
/* Whom 60-libvirt.rules lets in. */
#define POLKIT_GROUP "libvirt"
#define POLKIT_DEADLINE_MS (5 * 60 * 1000)

static gboolean trusted(ServerClient *client)
{
    pid_t pid;
    uid_t uid;
    gid_t gid;
    return server_client_credentials(client, &pid, &uid, &gid) == 0 && (uid == 0 || uid == geteuid());
}

int dispatch_auth_list(DispatchCall *call)
{
    if (dispatch_args_done(call) < 0)
        return -1;
    ServerAuth way = server_client_auth(call->client);
    if (way == SERVER_AUTH_POLKIT && !server_client_authenticated(call->client) && trusted(call->client))
        server_client_set_authenticated(call->client);
    if (server_client_authenticated(call->client))
        way = SERVER_AUTH_NONE;
    xdr_put_count(&call->out, 1, REMOTE_AUTH_TYPE_LIST_MAX);
    xdr_put_int(&call->out, way == SERVER_AUTH_NONE ? REMOTE_AUTH_NONE : way == SERVER_AUTH_SASL ? REMOTE_AUTH_SASL
                                                                                                : REMOTE_AUTH_POLKIT);
    return 0;
}

/* The process as polkit wants it, with its start time so that a reused pid is not taken for it. */
static GVariant *polkit_subject(pid_t pid, uid_t uid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int) pid);
    g_autofree char *stat = NULL;
    guint64 start = 0;
    if (g_file_get_contents(path, &stat, NULL, NULL)) {
        const char *at = strrchr(stat, ')');
        g_auto(GStrv) words = at ? g_strsplit(at + 2, " ", 24) : NULL;
        if (words && g_strv_length(words) > 19)
            start = g_ascii_strtoull(words[19], NULL, 10);
    }
    GVariantBuilder details;
    g_variant_builder_init(&details, G_VARIANT_TYPE("a{sv}"));
    g_variant_builder_add(&details, "{sv}", "pid", g_variant_new_uint32(pid));
    g_variant_builder_add(&details, "{sv}", "start-time", g_variant_new_uint64(start));
    g_variant_builder_add(&details, "{sv}", "uid", g_variant_new_int32(uid));
    return g_variant_new("(sa{sv})", "unix-process", &details);
}

/* Polkit would ask for a password, and nobody is there to ask. Members of the group need none. */
static int fail_challenge(uid_t uid, const char *action)
{
    g_autofree char *user = user_text(uid), *hint = NULL;
    gid_t group = 0;
    if (group_find(POLKIT_GROUP, &group) < 0)
        hint = g_strdup_printf("there is no group '" POLKIT_GROUP "', whose members need none: 'groupadd --system " POLKIT_GROUP
                               "', then 'usermod -aG " POLKIT_GROUP " %s'", user);
    else if (user_is_member(uid, group))
        hint = g_strdup_printf("user '%s' is in group '" POLKIT_GROUP "', whose members need none, but polkit has no such rule: is "
                               "60-libvirt.rules in /usr/share/polkit-1/rules.d?", user);
    else
        hint = g_strdup_printf("members of group '" POLKIT_GROUP "' need none: 'usermod -aG " POLKIT_GROUP " %s'", user);
    return FAIL(VIR_ERR_AUTH_UNAVAILABLE, "no polkit agent available to authenticate action '%s': nobody can ask user '%s' for a "
                "password; %s", action, user, hint);
}

static int polkit_check(pid_t pid, uid_t uid, const char *action)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *why = NULL;
    g_autoptr(GDBusConnection) bus = bus_system(&why);
    if (!bus)
        return FAIL(VIR_ERR_AUTH_UNAVAILABLE, "cannot reach polkit: %s. Set auth_unix_rw = \"none\" in libvirtd.conf and "
                    "rely on the socket's permissions, or start dbus and polkitd", why);
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        bus, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
        "CheckAuthorization", g_variant_new("(@(sa{sv})sa{ss}us)", polkit_subject(pid, uid), action, NULL, 1u, ""),
        G_VARIANT_TYPE("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, POLKIT_DEADLINE_MS, NULL, &error);
    if (!reply)
        return FAIL(VIR_ERR_AUTH_UNAVAILABLE, "polkit did not answer: %s", error->message);
    gboolean allowed = FALSE, challenge = FALSE;
    g_variant_get(reply, "((bba{ss}))", &allowed, &challenge, NULL);
    if (allowed)
        return 0;
    if (challenge)
        return fail_challenge(uid, action);
    return FAIL(VIR_ERR_AUTH_FAILED, "polkit denies action '%s' to user %u", action, (unsigned) uid);
}

int dispatch_auth_polkit(DispatchCall *call)
{
    pid_t pid;
    uid_t uid;
    gid_t gid;
    if (dispatch_args_done(call) < 0)
        return -1;
    if (server_client_auth(call->client) == SERVER_AUTH_SASL)
        return FAIL(VIR_ERR_AUTH_FAILED, "this socket wants authentication by SASL");
    if (server_client_credentials(call->client, &pid, &uid, &gid) < 0)
        return FAIL(VIR_ERR_AUTH_FAILED, "cannot tell who the client is");
    const char *action = server_client_kind(call->client) == SERVER_RO ? "org.libvirt.unix.monitor"
                                                                       : "org.libvirt.unix.manage";
    pool_blocking_begin();
    int ret = trusted(call->client) ? 0 : polkit_check(pid, uid, action);
    pool_blocking_end();
    if (ret < 0)
        return -1;
    server_client_set_authenticated(call->client);
    xdr_put_int(&call->out, 1);
    return 0;
}
