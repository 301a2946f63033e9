/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt.conf and libvirt-admin.conf. They are read anew for each connection that needs them: that is rare, and they may have changed.
 */
#define ERROR_DOMAIN VIR_FROM_CONF
#include "lib/client_conf.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/libvirt-admin.h"

/* What is common to both files. */
typedef struct {
    const char *file;
    const char *variable;        /* of the environment */
    const char *system, *session; /* if nobody says anything */
} Defaults;

static const Defaults client_defaults = { "libvirt.conf", "LIBVIRT_DEFAULT_URI", "qemu:///system", "qemu:///session" };
static const Defaults admin_defaults = { "libvirt-admin.conf", "LIBVIRT_ADMIN_DEFAULT_URI", "libvirtd:///system",
                                         "libvirtd:///session" };

static int load(const ConfSchema *schema, void *conf)
{
    g_autofree char *path = geteuid() == 0 ? g_strdup_printf(SYSCONFDIR "/libvirt/%s", schema->file)
                                           : g_build_filename(g_get_user_config_dir(), "libvirt", schema->file, NULL);
    return conf_load(schema, path, true, conf, NULL);
}

static bool valid_alias(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!g_ascii_isalnum(text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    }
    return len > 0;
}

/* 1: @uri is set to what @name stands for, 0: it is no alias, -1 with an error. */
static int find_alias(const Defaults *defaults, char **aliases, const char *name, char **uri)
{
    size_t len = strlen(name);
    for (char **item = aliases; item && *item; item++) {
        const char *equals = strchr(*item, '=');
        if (!equals || !equals[1] || !valid_alias(*item, equals - *item))
            return FAIL(VIR_ERR_CONF_SYNTAX, "%s: '%.200s' in uri_aliases is not NAME=URI, with a NAME of letters, digits, "
                        "'_' and '-'", defaults->file, *item);
        if ((size_t) (equals - *item) == len && strncmp(*item, name, len) == 0) {
            *uri = g_strdup(equals + 1);
            return 1;
        }
    }
    return 0;
}

static char *resolve(const Defaults *defaults, char **aliases, const char *uri_default, const char *name,
                     unsigned int flags)
{
    char *uri = NULL;
    if (!name)
        name = uri_default && *uri_default ? uri_default : geteuid() == 0 ? defaults->system : defaults->session;
    if (!(flags & VIR_CONNECT_NO_ALIASES) && find_alias(defaults, aliases, name, &uri) < 0)
        return NULL;
    return uri ? uri : g_strdup(name);
}

/* The name that is wanted, from the caller or the environment; NULL for the default one. */
static const char *wanted(const Defaults *defaults, const char *name)
{
    if (!name || !*name)
        name = g_getenv(defaults->variable);
    return name && *name ? name : NULL;
}

/* Whether the file can't change anything. */
static bool is_plain(const char *name, unsigned int flags)
{
    return name && (flags & VIR_CONNECT_NO_ALIASES || !valid_alias(name, strlen(name)));
}

char *client_conf_resolve(const ClientConf *conf, const char *name, unsigned int flags)
{
    return resolve(&client_defaults, conf->uri_aliases, conf->uri_default, name, flags);
}

char *client_conf_uri(const char *given, unsigned int flags)
{
    ClientConf conf;
    const char *name = wanted(&client_defaults, given);
    if (is_plain(name, flags))
        return g_strdup(name);
    if (load(&libvirt_conf_schema, &conf) < 0)
        return NULL;
    char *uri = client_conf_resolve(&conf, name, flags);
    conf_clear(&libvirt_conf_schema, &conf);
    return uri;
}

char *client_conf_admin_uri(const char *given, unsigned int flags)
{
    AdminClientConf conf;
    const char *name = wanted(&admin_defaults, given);
    if (is_plain(name, flags))
        return g_strdup(name);
    if (load(&libvirt_admin_conf_schema, &conf) < 0)
        return NULL;
    char *uri = resolve(&admin_defaults, conf.uri_aliases, conf.uri_default, name, flags);
    conf_clear(&libvirt_admin_conf_schema, &conf);
    return uri;
}
