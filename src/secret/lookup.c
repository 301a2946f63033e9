/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECRET
#include "secret/lookup.h"
#include "base/error.h"
#include "base/uuid.h"

static SecretSource secret_source;
static void *secret_opaque;

void secret_source_set(SecretSource source, void *opaque)
{
    secret_source = source;
    secret_opaque = opaque;
}

guint8 *secret_lookup(const SecretRef *ref, const char *what, size_t *size)
{
    char uuid[UUID_TEXT_SIZE];

    if (!ref->has_uuid && !ref->usage)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "%s names a secret neither by uuid nor by usage", what);
    if (!secret_source)
        return FAIL_NULL(VIR_ERR_NO_SECRET, "%s needs the secret '%s', but no secrets are kept for this driver yet", what,
                         ref->has_uuid ? uuid_format(ref->uuid, uuid) : ref->usage);
    return secret_source(ref, size, secret_opaque);
}
