/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on secrets. Arguments have been checked by the entry points, which let nobody see a value over a read-only
 * connection; flags are checked here.
 */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "secret/functions.h"
#include "base/error.h"
#include "base/uuid.h"

static int secret_job(ManagedJob *job, virSecretPtr secret, const char *api)
{
    return managed_job_begin(job, secret->o.conn->tables->secrets, secret->uuid, NULL, api);
}

static const SecretDef *secret_def(const ManagedState *state)
{
    return definition_get(state->config);
}

/* ---- finding ---- */

static int connect_num_of_secrets(virConnectPtr conn)
{
    return managed_count(conn->tables->secrets, 0);
}

static int connect_list_secrets(virConnectPtr conn, char **uuids, int max)
{
    g_autoptr(GPtrArray) list = managed_objects(conn->tables->secrets, 0, NULL, NULL);
    int n = 0;
    for (; n < (int) list->len && n < max; n++) {
        uuids[n] = g_malloc(UUID_TEXT_SIZE);
        uuid_format(((Managed *) list->pdata[n])->entry.uuid, uuids[n]);
    }
    return n;
}

/* Both flags of a pair, or none, let everything pass. */
static gboolean passes(unsigned int flags, unsigned int yes, unsigned int no, gboolean is)
{
    unsigned int pair = flags & (yes | no);
    return !pair || (pair & (is ? yes : no));
}

static gboolean passes_flags(Managed *obj, const ManagedState *state, void *opaque)
{
    unsigned int flags = *(unsigned int *) opaque;
    const SecretDef *def = secret_def(state);
    return passes(flags, VIR_CONNECT_LIST_SECRETS_EPHEMERAL, VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL,
                  def->ephemeral == TRISTATE_YES) &&
        passes(flags, VIR_CONNECT_LIST_SECRETS_PRIVATE, VIR_CONNECT_LIST_SECRETS_NO_PRIVATE, def->private == TRISTATE_YES);
}

static int connect_list_all_secrets(virConnectPtr conn, virSecretPtr **secrets, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->secrets, flags,
                  VIR_CONNECT_LIST_SECRETS_EPHEMERAL | VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL |
                  VIR_CONNECT_LIST_SECRETS_PRIVATE | VIR_CONNECT_LIST_SECRETS_NO_PRIVATE, -1);
    return managed_list(conn->tables->secrets, conn, 0, passes_flags, &flags, secrets);
}

static virSecretPtr secret_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid)
{
    return managed_lookup(conn, conn->tables->secrets, uuid, NULL);
}

static virSecretPtr secret_lookup_by_usage(virConnectPtr conn, int usage_type, const char *usage_id)
{
    g_autofree char *key = secret_usage_key(usage_type, usage_id);
    g_autoptr(Managed) obj = key ? managed_peek(conn->tables->secrets, NULL, key) : NULL;
    return obj ? managed_handle(conn, obj) : FAIL_NULL(VIR_ERR_NO_SECRET, "no secret for usage '%s' of type %d", usage_id,
                                                       usage_type);
}

/* ---- life ---- */

static virSecretPtr secret_define_xml(virConnectPtr conn, const char *xml, unsigned int flags)
{
    MANAGED_FLAGS(conn->tables->secrets, flags, VIR_SECRET_DEFINE_VALIDATE, NULL);
    return managed_define_xml(conn, conn->tables->secrets, xml, flags & VIR_SECRET_DEFINE_VALIDATE, __func__);
}

static int secret_undefine_call(virSecretPtr secret)
{
    g_auto(ManagedJob) job = { NULL };
    return secret_job(&job, secret, "virSecretUndefine") < 0 ? -1 : secret_undefine(&job);
}

static char *secret_get_xml_desc(virSecretPtr secret, unsigned int flags)
{
    MANAGED_FLAGS(secret->o.conn->tables->secrets, flags, 0, NULL);
    return managed_xml(secret->o.conn->tables->secrets, secret->uuid, NULL, 0);
}

/* ---- values ---- */

static int secret_set_value(virSecretPtr secret, const unsigned char *value, size_t size, unsigned int flags)
{
    g_auto(ManagedJob) job = { NULL };
    MANAGED_FLAGS(secret->o.conn->tables->secrets, flags, 0, -1);
    return secret_job(&job, secret, __func__) < 0 ? -1 : secret_value_set(&job, value, size);
}

static unsigned char *secret_get_value(virSecretPtr secret, size_t *size, unsigned int flags)
{
    MANAGED_FLAGS(secret->o.conn->tables->secrets, flags, 0, NULL);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) obj = managed_find_state(secret->o.conn->tables->secrets, secret->uuid, NULL, &state);
    if (!obj)
        return NULL;
    if (secret_def(state)->private == TRISTATE_YES)
        return FAIL_NULL(VIR_ERR_INVALID_SECRET, "secret '%s' is private: its value is never told", MANAGED_NAME(obj));
    return secret_value_get(obj, secret_def(state), size);
}

const SecretDriver secret_functions = {
    .connect_num_of_secrets = connect_num_of_secrets,
    .connect_list_secrets = connect_list_secrets,
    .connect_list_all_secrets = connect_list_all_secrets,
    .secret_lookup_by_uuid = secret_lookup_by_uuid,
    .secret_lookup_by_usage = secret_lookup_by_usage,
    .secret_define_xml = secret_define_xml,
    .secret_get_xml_desc = secret_get_xml_desc,
    .secret_set_value = secret_set_value,
    .secret_get_value = secret_get_value,
    .secret_undefine = secret_undefine_call,
};
