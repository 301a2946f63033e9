/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/driver.h"
#include "base/error.h"
#include <dlfcn.h>
#include <libxml/uri.h>

const char *const driver_modules[] = { "network", "interface", "nodedev", "nwfilter", "secret", "storage", "qemu", NULL };

static const ConnectDriver *connect_drivers[32];
static const StateDriver *state_drivers[32];
static guint n_connect, n_state;
static GMutex register_lock;
_Thread_local int api_error_domain = VIR_FROM_DOMAIN;

void driver_serves(virConnectPtr conn)
{
    api_error_domain = conn->driver && conn->driver->error_domain ? conn->driver->error_domain : VIR_FROM_DOMAIN;
}

void driver_register(const ConnectDriver *driver)
{
    g_mutex_lock(&register_lock);
    g_assert(n_connect < G_N_ELEMENTS(connect_drivers) - 1);
    connect_drivers[n_connect++] = driver;
    g_mutex_unlock(&register_lock);
}

void state_driver_register(const StateDriver *driver)
{
    g_mutex_lock(&register_lock);
    g_assert(n_state < G_N_ELEMENTS(state_drivers) - 1);
    state_drivers[n_state++] = driver;
    g_mutex_unlock(&register_lock);
}

const ConnectDriver *driver_nth(guint n)
{
    return n < n_connect ? connect_drivers[n] : NULL;
}

const StateDriver *state_driver_nth(guint n)
{
    return n < n_state ? state_drivers[n] : NULL;
}

void *driver_module_symbol(const char *file, const char *symbol)
{
    static GHashTable *loaded; /* handles by file */
    static GMutex lock;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    if (!loaded)
        loaded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    void *handle = g_hash_table_lookup(loaded, file);
    if (!handle) {
        const char *dir = g_getenv("LIBVIRT_DRIVER_DIR");
        g_autofree char *path = g_build_filename(dir ? dir : MODULEDIR, file, NULL);
        if (!(handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
            return FAIL_NULL(VIR_ERR_NO_SUPPORT, "what this needs can't be loaded: %s", dlerror());
        g_hash_table_insert(loaded, g_strdup(file), handle);
    }
    void *found = dlsym(handle, symbol);
    return found ? found : FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "module '%s' has no '%s'", file, symbol);
}

int driver_module_load(const char *name)
{
    static GHashTable *loaded;
    static GMutex lock;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&lock);
    if (!loaded)
        loaded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_contains(loaded, name))
        return 0;

    g_autofree char *file = g_strdup_printf("libvirt_driver_%s.so", name);
    g_autofree char *symbol = g_strdup_printf("%s_driver_register", name);
    void (*entry)(void) = (void (*)(void)) driver_module_symbol(file, symbol);
    if (!entry)
        return -1;
    entry();
    g_hash_table_add(loaded, g_strdup(name));
    return 0; /* a module stays loaded: its code may be running in any thread */
}

static void uri_take_params(Uri *uri, const char *query)
{
    g_auto(GStrv) parts = g_strsplit_set(query, "&;", -1);
    for (char **p = parts; *p; p++) {
        char *eq = strchr(*p, '=');
        if (!**p)
            continue;
        g_autofree char *name = g_uri_unescape_segment(*p, eq, NULL);
        g_autofree char *value = g_uri_unescape_string(eq ? eq + 1 : "", NULL);
        if (name && value)
            g_hash_table_replace(uri->params, g_steal_pointer(&name), g_steal_pointer(&value));
    }
}

Uri *uri_parse(const char *text)
{
    xmlURIPtr x = xmlParseURI(text);
    if (!x || !x->scheme) {
        error_report(x ? VIR_FROM_NONE : VIR_FROM_URI, x ? VIR_ERR_NO_CONNECT : VIR_ERR_INTERNAL_ERROR,
                     "'%s', which is no connection URI; one looks like qemu:///system", text);
        xmlFreeURI(x);
        return NULL;
    }
    Uri *uri = g_new0(Uri, 1);
    uri->params = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    uri->text = g_strdup(text);
    char *plus = strchr(x->scheme, '+');
    uri->scheme = plus ? g_strndup(x->scheme, plus - x->scheme) : g_strdup(x->scheme);
    uri->transport = plus ? g_strdup(plus + 1) : NULL;
    uri->user = g_strdup(x->user);
    uri->server = x->server && *x->server ? g_strdup(x->server) : NULL;
    /* an IPv6 address stands in brackets in the URI, nowhere else */
    size_t len = uri->server ? strlen(uri->server) : 0;
    if (len > 2 && uri->server[0] == '[' && uri->server[len - 1] == ']') {
        memmove(uri->server, uri->server + 1, len - 2);
        uri->server[len - 2] = '\0';
    }
    uri->port = x->port > 0 ? x->port : 0;
    uri->path = g_strdup(x->path ? x->path : "");
    if (x->query_raw)
        uri_take_params(uri, x->query_raw);
    xmlFreeURI(x);
    return uri;
}

void uri_free(Uri *uri)
{
    if (!uri)
        return;
    g_free(uri->scheme);
    g_free(uri->transport);
    g_free(uri->user);
    g_free(uri->server);
    g_free(uri->path);
    g_free(uri->text);
    g_hash_table_unref(uri->params);
    g_free(uri);
}

const char *uri_param(const Uri *uri, const char *name)
{
    return g_hash_table_lookup(uri->params, name);
}
