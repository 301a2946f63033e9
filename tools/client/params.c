/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed parameters as text and JSON. */
#include "tools/client/client.h"

char *client_param_text(const virTypedParameter *param)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_INT:
        return g_strdup_printf("%d", param->value.i);
    case VIR_TYPED_PARAM_UINT:
        return g_strdup_printf("%u", param->value.ui);
    case VIR_TYPED_PARAM_LLONG:
        return g_strdup_printf("%lld", param->value.l);
    case VIR_TYPED_PARAM_ULLONG:
        return g_strdup_printf("%llu", param->value.ul);
    case VIR_TYPED_PARAM_DOUBLE:
        return g_strdup_printf("%f", param->value.d);
    case VIR_TYPED_PARAM_BOOLEAN:
        return g_strdup(param->value.b ? "yes" : "no");
    case VIR_TYPED_PARAM_STRING:
        return g_strdup(param->value.s ? param->value.s : "");
    default:
        return g_strdup_printf("(type %d)", param->type);
    }
}

void client_param_json(json_object *object, const char *key, const virTypedParameter *param)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_INT:
        shell_json_int(object, key, param->value.i);
        break;
    case VIR_TYPED_PARAM_UINT:
        shell_json_int(object, key, param->value.ui);
        break;
    case VIR_TYPED_PARAM_LLONG:
        shell_json_int(object, key, param->value.l);
        break;
    case VIR_TYPED_PARAM_ULLONG:
        shell_json_uint(object, key, param->value.ul);
        break;
    case VIR_TYPED_PARAM_DOUBLE:
        shell_json_double(object, key, param->value.d);
        break;
    case VIR_TYPED_PARAM_BOOLEAN:
        shell_json_bool(object, key, param->value.b);
        break;
    case VIR_TYPED_PARAM_STRING:
        shell_json_string(object, key, param->value.s);
        break;
    default:
        shell_json_null(object, key);
    }
}
