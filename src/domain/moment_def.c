/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of snapshots and checkpoints that come from clients: what is missing is filled in, what can't be is refused. Disks are
 * moment_disks.c's.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api_moments.h"
#include "base/file.h"

#define NAME(kind, def) G_STRUCT_MEMBER(char *, def, (kind)->name)
#define PARENT(kind, def) G_STRUCT_MEMBER(DomainMomentParent *, def, (kind)->parent)
#define DOMAIN(kind, def) G_STRUCT_MEMBER(DomainDef *, def, (kind)->domain)

static int check_name(const MomentKind *kind, const Access *a, const char *name)
{
    if (kind == &MOMENT_CHECKPOINT && strchr(name, '/')) /* as in the grammar of checkpoints */
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "the name '%s' of a %s can't have a '/'", name, kind->word);
    if (!host_paths(a->obj->host))
        return 0;
    if (strchr(name, '/') || name[0] == '.')
        return FAIL(VIR_ERR_XML_ERROR, "the name '%s' of a %s can't have a '/' nor begin with '.'", name, kind->word);
    return file_name_check(kind->word, name);
}

int moment_fill(const MomentKind *kind, const Access *a, void *def)
{
    MomentSet *set = moments_of(kind, a->state);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(SharedDef) domain = domain_current_def(a->obj, a->state);
    if (!domain)
        return -1;
    G_STRUCT_MEMBER(bool, def, kind->has_time) = true;
    G_STRUCT_MEMBER(gint64, def, kind->time) = now;
    if (!NAME(kind, def))
        NAME(kind, def) = g_strdup_printf("%" G_GINT64_FORMAT, now);
    if (moments_find(set, NAME(kind, def)))
        return error_report(VIR_FROM_DOMAIN, VIR_ERR_OPERATION_FAILED, "domain '%s' has a %s '%s' already", API_NAME(a),
                            kind->word, NAME(kind, def)), -1;
    xml_struct_free(&DOMAIN_MOMENT_PARENT_DESC, PARENT(kind, def));
    PARENT(kind, def) = NULL;
    if (set && set->current) {
        PARENT(kind, def) = xml_struct_new(&DOMAIN_MOMENT_PARENT_DESC);
        PARENT(kind, def)->name = g_strdup(set->current);
    }
    domain_def_free(DOMAIN(kind, def));
    DOMAIN(kind, def) = shared_def_copy(domain);
    return moments_check_room(kind, a->state) < 0 ? -1 : check_name(kind, a, NAME(kind, def));
}

static int check_parent(const MomentKind *kind, const Access *a, const void *def)
{
    MomentSet *set = moments_of(kind, a->state);
    const DomainMomentParent *parent = PARENT(kind, def);
    const char *name = NAME(kind, def);
    if (!parent || !parent->name || !*parent->name)
        return 0;
    if (strcmp(parent->name, name) == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "%s '%s' can't be its own parent", kind->word, name);
    if (!moments_find(set, parent->name))
        return FAIL(VIR_ERR_INVALID_ARG, "the parent '%s' of %s '%s' is not there", parent->name, kind->word, name);
    if (moments_descends(set, parent->name, name))
        return FAIL(VIR_ERR_INVALID_ARG, "the parent '%s' of %s '%s' comes after it", parent->name, kind->word, name);
    return 0;
}

int moment_check_whole(const MomentKind *kind, const Access *a, void *def, const char *xml)
{
    if (!NAME(kind, def))
        return FAIL(VIR_ERR_XML_ERROR, "a redefined %s must have a name", kind->word);
    const char *name = NAME(kind, def);
    const Moment *old = moments_find(moments_of(kind, a->state), name);
    if (!G_STRUCT_MEMBER(bool, def, kind->has_time))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the redefined %s '%s' lacks its creationTime", kind->word, name);
    if (!DOMAIN(kind, def) && old && DOMAIN(kind, definition_get(old->def)))
        DOMAIN(kind, def) = domain_def_copy(DOMAIN(kind, definition_get(old->def)));
    if (!DOMAIN(kind, def) && kind == &MOMENT_SNAPSHOT)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the redefined %s '%s' lacks its domain", kind->word, name);
    if (DOMAIN(kind, def) && definition_complete(a->obj->host, DOMAIN(kind, def), xml) < 0)
        return -1;
    return check_name(kind, a, name);
}

int moment_check_again(const MomentKind *kind, const Access *a, void *def, const char *xml)
{
    if (moment_check_whole(kind, a, def, xml) < 0)
        return -1;
    const DomainDef *domain = DOMAIN(kind, def);
    if (domain && memcmp(domain->uuid, a->obj->entry.uuid, VIR_UUID_BUFLEN) != 0)
        return FAIL(VIR_ERR_INVALID_ARG, "the redefined %s '%s' is of another domain: its UUID differs", kind->word,
                    NAME(kind, def));
    return check_parent(kind, a, def);
}
