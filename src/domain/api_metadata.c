/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Title, description and other programs' elements in a definition.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN /* whose domain it is doesn't matter */
#include "domain/api.h"
#include "core/event_table.h"
#include "domain/functions.h"
#include "core/metadata.h"
#include <string.h>

char *core_domain_get_metadata(virDomainPtr dom, int type, const char *uri, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared)
        return NULL;
    const DomainDef *def = shared_def_get(shared);
    char *value = NULL;
    if (metadata_get(&(MetadataTexts) { def->title, def->description, def->metadata }, type, uri, &value, ERROR_DOMAIN) < 0)
        return NULL;
    if (!value)
        return FAIL_NULL(VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present in domain '%s'",
                         API_NAME(&a));
    return value;
}

typedef struct MetadataEdit { int type; const char *text, *key, *uri; } MetadataEdit;

static int edit_metadata(DomainDef *def, gboolean live, void *opaque)
{
    MetadataEdit *e = opaque;
    return metadata_set(&(MetadataFields) { &def->title, &def->description, &def->metadata }, e->type, e->text, e->key, e->uri,
                        ERROR_DOMAIN);
}

int core_domain_set_metadata(virDomainPtr dom, int type, const char *metadata, const char *key, const char *uri,
                             unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, -1);
    g_auto(Access) a = { NULL };
    MetadataEdit edit = { type, metadata, key, uri };
    static const DefChange change = { .edit = edit_metadata, .unheard = TRUE };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetMetadata") < 0 || api_change(&a, flags, &change, &edit) < 0)
        return -1;
    event_emit(host_bus(a.obj->host), event_domain_metadata_change_new(API_NAME(&a), dom->uuid,
                                                                     domain_state_id(a.state), type, uri));
    return 0;
}
