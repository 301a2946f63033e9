/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects that can be defined: lists, and answers that only read.
 */
#define ERROR_DOMAIN (managed_table_kind(table)->error_domain)
#include "core/managed_private.h"
#include "base/error.h"

/* Both bits of a group, or none, let everything pass. */
static gboolean passes(unsigned int flags, unsigned int yes, unsigned int no, gboolean is)
{
    unsigned int group = flags & (yes | no);
    return !group || (group & (is ? yes : no));
}

static gboolean passes_flags(const ManagedState *state, unsigned int flags)
{
    return managed_visible(state) &&
        passes(flags, MANAGED_LIST_ACTIVE, MANAGED_LIST_INACTIVE, managed_active(state)) &&
        passes(flags, MANAGED_LIST_PERSISTENT, MANAGED_LIST_TRANSIENT, state->config != NULL) &&
        passes(flags, MANAGED_LIST_AUTOSTART, MANAGED_LIST_NO_AUTOSTART, state->autostart);
}

GPtrArray *managed_objects(ManagedTable *table, unsigned int flags, ManagedPass pass, void *opaque)
{
    GPtrArray *list = store_list(managed_table_store(table), NULL, NULL);
    managed_thread_domain = managed_error_domain(table);
    guint n = 0;
    for (guint i = 0; i < list->len; i++) {
        Managed *obj = list->pdata[i];
        g_autoptr(ManagedState) state = managed_state(obj);
        if (passes_flags(state, flags) && (!pass || pass(obj, state, opaque)))
            list->pdata[n++] = obj;
        else
            managed_unref(obj);
    }
    list->len = n; /* what was behind has been given back or moved */
    return list;
}

int managed_list(ManagedTable *table, virConnectPtr conn, unsigned int flags, ManagedPass pass, void *opaque,
                 void *handles)
{
    g_autoptr(GPtrArray) list = managed_objects(table, flags, pass, opaque);
    if (!handles)
        return (int) list->len;
    void **array = g_new0(void *, list->len + 1);
    int n = 0;
    for (guint i = 0; i < list->len; i++) {
        Managed *obj = list->pdata[i];
        g_autoptr(ManagedState) state = managed_state(obj);
        if (managed_visible(state)) /* it may have gone meanwhile */
            array[n++] = managed_table_kind(table)->handle(conn, obj, definition_get(managed_definition(state)));
    }
    *(void ***) handles = array;
    return n;
}

int managed_count(ManagedTable *table, unsigned int flags)
{
    g_autoptr(GPtrArray) list = managed_objects(table, flags, NULL, NULL);
    return (int) list->len;
}

int managed_names(ManagedTable *table, unsigned int flags, char **names, int max)
{
    g_autoptr(GPtrArray) list = managed_objects(table, flags, NULL, NULL);
    int n = 0;
    for (; n < (int) list->len && n < max; n++)
        names[n] = g_strdup(MANAGED_NAME((Managed *) list->pdata[n]));
    return n;
}

static gboolean is_active(StoreEntry *entry, void *opaque)
{
    g_autoptr(ManagedState) state = managed_state((Managed *) entry);
    return managed_active(state);
}

gboolean managed_table_busy(ManagedTable *table)
{
    return store_count(managed_table_store(table), is_active, NULL) > 0;
}

/* ---- reading ---- */

static ManagedState *find_state(ManagedTable *table, const guint8 *uuid, const char *key)
{
    ManagedState *state = NULL;
    g_autoptr(Managed) obj = managed_find_state(table, uuid, key, &state);
    return state;
}

char *managed_xml(ManagedTable *table, const guint8 *uuid, const char *key, unsigned int flags)
{
    g_autoptr(ManagedState) state = find_state(table, uuid, key);
    if (!state)
        return NULL;
    Definition *def = (flags & XML_INACTIVE) && state->config ? state->config : managed_definition(state);
    return g_strdup(definition_xml(def, flags));
}

int managed_is_active(ManagedTable *table, const guint8 *uuid, const char *key)
{
    g_autoptr(ManagedState) state = find_state(table, uuid, key);
    return state ? managed_active(state) : -1;
}

int managed_is_persistent(ManagedTable *table, const guint8 *uuid, const char *key)
{
    g_autoptr(ManagedState) state = find_state(table, uuid, key);
    return state ? state->config != NULL : -1;
}

int managed_get_autostart(ManagedTable *table, const guint8 *uuid, const char *key, int *autostart)
{
    g_autoptr(ManagedState) state = find_state(table, uuid, key);
    if (!state)
        return -1;
    *autostart = state->autostart;
    return 0;
}
