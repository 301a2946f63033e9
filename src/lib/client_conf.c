/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt.conf. It is read anew for each connection that needs it: they are rare, and the file may have changed.
 */
#define ERROR_DOMAIN VIR_FROM_CONF
#include "lib/client_conf.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"

static int load(ClientConf *conf)
{
    g_autofree char *path = geteuid() == 0 ? g_strdup(SYSCONFDIR "/libvirt/libvirt.conf")
                                           : g_build_filename(g_get_user_config_dir(), "libvirt", "libvirt.conf", NULL);
    return conf_load(&libvirt_conf_schema, path, true, conf, NULL);
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
static int find_alias(const ClientConf *conf, const char *name, char **uri)
{
    size_t len = strlen(name);
    for (char **item = conf->uri_aliases; item && *item; item++) {
        const char *equals = strchr(*item, '=');
        if (!equals || !equals[1] || !valid_alias(*item, equals - *item))
            return FAIL(VIR_ERR_CONF_SYNTAX, "libvirt.conf: '%.200s' in uri_aliases is not NAME=URI, with a NAME of letters, digits, "
                        "'_' and '-'", *item);
        if ((size_t) (equals - *item) == len && strncmp(*item, name, len) == 0) {
            *uri = g_strdup(equals + 1);
            return 1;
        }
    }
    return 0;
}

char *client_conf_resolve(const ClientConf *conf, const char *name, unsigned int flags)
{
    char *uri = NULL;
    if (!name)
        name = conf->uri_default && *conf->uri_default ? conf->uri_default
               : geteuid() == 0 ? "qemu:///system" : "qemu:///session";
    if (!(flags & VIR_CONNECT_NO_ALIASES) && find_alias(conf, name, &uri) < 0)
        return NULL;
    return uri ? uri : g_strdup(name);
}

char *client_conf_uri(const char *name, unsigned int flags)
{
    ClientConf conf;
    if (!name || !*name)
        name = g_getenv("LIBVIRT_DEFAULT_URI");
    if (name && !*name)
        name = NULL;
    if (name && (flags & VIR_CONNECT_NO_ALIASES || !valid_alias(name, strlen(name))))
        return g_strdup(name); /* nothing that the file could change */
    if (load(&conf) < 0)
        return NULL;
    char *uri = client_conf_resolve(&conf, name, flags);
    conf_clear(&libvirt_conf_schema, &conf);
    return uri;
}
