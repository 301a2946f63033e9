/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "model/secret.h"
#include "base/error.h"

G_STATIC_ASSERT(SECRET_USAGE_TYPE_NONE - 1 == (int) VIR_SECRET_USAGE_TYPE_NONE);
G_STATIC_ASSERT(SECRET_USAGE_TYPE_VTPM - 1 == (int) VIR_SECRET_USAGE_TYPE_VTPM);

void secret_def_complete(SecretDef *def)
{
    if (!def->ephemeral)
        def->ephemeral = TRISTATE_NO;
    if (!def->private)
        def->private = TRISTATE_NO;
    if (def->usage && def->usage->type == SECRET_USAGE_TYPE_NONE) {
        xml_struct_free(&SECRET_USAGE_DESC, def->usage);
        def->usage = NULL;
    }
}

int secret_def_usage_type(const SecretDef *def)
{
    return def->usage ? def->usage->type - 1 : VIR_SECRET_USAGE_TYPE_NONE;
}

const char *secret_def_usage_id(const SecretDef *def)
{
    return def->usage ? def->usage->id : "";
}

char *secret_usage_key(int usage_type, const char *usage_id)
{
    const char *type = usage_type > VIR_SECRET_USAGE_TYPE_NONE && usage_type < SECRET_USAGE_TYPE_LAST - 1
        ? secret_usage_type_to_string(usage_type + 1) : NULL;
    return type ? g_strdup_printf("%s %s", type, usage_id) : NULL;
}

int secret_def_check_replace(const SecretDef *def, const SecretDef *old)
{
    if (old->private == TRISTATE_YES && def->private != TRISTATE_YES) /* the code is the reference's */
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the secret is private, and that can't be taken back: undefine it first");
    return 0;
}
