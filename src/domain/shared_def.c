/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/shared_def.h"

#define XML_SLOTS 4 /* with and without XML_SECURE, XML_INACTIVE */

struct SharedDef {
    gint refs;
    DomainDef *def;
    char *xml[XML_SLOTS]; /* set once, atomically */
};

SharedDef *shared_def_new(DomainDef *def)
{
    SharedDef *shared = g_new0(SharedDef, 1);
    shared->refs = 1;
    shared->def = def;
    return shared;
}

SharedDef *shared_def_ref(SharedDef *shared)
{
    if (shared)
        g_atomic_int_inc(&shared->refs);
    return shared;
}

void shared_def_unref(SharedDef *shared)
{
    if (!shared || !g_atomic_int_dec_and_test(&shared->refs))
        return;
    for (guint i = 0; i < XML_SLOTS; i++)
        g_free(shared->xml[i]);
    domain_def_free(shared->def);
    g_free(shared);
}

const DomainDef *shared_def_get(const SharedDef *shared)
{
    return shared->def;
}

DomainDef *shared_def_copy(const SharedDef *shared)
{
    return domain_def_copy(shared->def);
}

const char *shared_def_xml(SharedDef *shared, unsigned int flags)
{
    guint slot = (flags & XML_SECURE ? 1 : 0) | (flags & XML_INACTIVE ? 2 : 0);
    char *text = g_atomic_pointer_get(&shared->xml[slot]);
    if (text)
        return text;
    text = domain_def_format(shared->def, flags & (XML_SECURE | XML_INACTIVE));
    if (g_atomic_pointer_compare_and_exchange(&shared->xml[slot], NULL, text))
        return text;
    g_free(text); /* somebody else was faster */
    return g_atomic_pointer_get(&shared->xml[slot]);
}
