/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checkpoints: making and deleting them.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "domain/api_moments.h"
#include "domain/functions.h"

#define CREATE_FLAGS (VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE | VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE | \
    VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE)

static int check_create_flags(unsigned int flags)
{
    gboolean again = flags & VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE;
    if (again && (flags & VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE))
        return FAIL(VIR_ERR_INVALID_ARG, "no guest takes part when a checkpoint is redefined, so none can be quiesced");
    if (!again && (flags & VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE))
        return FAIL(VIR_ERR_INVALID_ARG, "only a redefined checkpoint can be validated");
    return 0;
}

int checkpoint_prepare(Access *a, DomainCheckpointDef *def)
{
    if (a->state->snapshots)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' has snapshots, which spoil checkpoints", API_NAME(a));
    return moment_fill(&MOMENT_CHECKPOINT, a, def) < 0 ? -1 : checkpoint_align(def);
}

/* What the grammar of checkpoints says and a table can't. */
static int check_grammar(const DomainCheckpointDef *def)
{
    if (def->has_creation_time && def->creation_time < 0)
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "domaincheckpoint.creationTime: a time before 1970");
    if (def->parent && !def->parent->name)
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "domaincheckpoint.parent: it has no name");
    return 0;
}

static int make(Access *a, DomainCheckpointDef *def, unsigned int flags)
{
    if (!a->state->guest)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "cannot create checkpoint for inactive domain '%s'", API_NAME(a));
    if (checkpoint_prepare(a, def) < 0)
        return -1;
    return GUEST_CALL(host_backend(a->obj->host)->checkpoint_create(a->obj->host, a->state->guest, def, flags));
}

static int redefine(Access *a, DomainCheckpointDef *def, const char *xml)
{
    return moment_check_again(&MOMENT_CHECKPOINT, a, def, xml) < 0 ? -1 : checkpoint_align(def);
}

virDomainCheckpointPtr core_domain_checkpoint_create_xml(virDomainPtr dom, const char *xml, unsigned int flags)
{
    API_FLAGS(flags, CREATE_FLAGS, NULL);
    g_auto(Access) a = { NULL };
    gboolean again = flags & VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE;
    if (check_create_flags(flags) < 0 || api_begin_long(&a, dom, "virDomainCheckpointCreateXML") < 0)
        return NULL;
    DomainCheckpointDef *def = definition_read(&DOMAIN_CHECKPOINT_ROOT, xml, TRUE);
    if (!def)
        return NULL;
    int rc = check_grammar(def) < 0 ? -1 : again ? redefine(&a, def, xml) : make(&a, def, flags);
    g_autoptr(Moment) moment = moment_new(&MOMENT_CHECKPOINT, def);
    if (rc < 0 || moments_add(&MOMENT_CHECKPOINT, a.obj, moment, !again) < 0)
        return NULL;
    return domain_checkpoint_handle_new(dom, moment->name);
}

int core_domain_checkpoint_delete(virDomainCheckpointPtr checkpoint, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN | VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY |
              VIR_DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY, -1);
    return api_delete_moments(&MOMENT_CHECKPOINT, checkpoint->domain, checkpoint->name, flags, "virDomainCheckpointDelete");
}
