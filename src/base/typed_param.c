/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/typed_param.h"
#include "base/error.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static virTypedParameterPtr list_add(TypedList *list, const char *name, int type)
{
    if (list->n == list->room) {
        list->room = list->room ? list->room * 2 : 16;
        list->params = g_renew(virTypedParameter, list->params, list->room);
    }
    virTypedParameterPtr param = &list->params[list->n++];
    memset(param, 0, sizeof(*param));
    g_strlcpy(param->field, name, sizeof(param->field));
    param->type = type;
    return param;
}

void typed_list_int(TypedList *list, const char *name, int value)
{
    list_add(list, name, VIR_TYPED_PARAM_INT)->value.i = value;
}

void typed_list_uint(TypedList *list, const char *name, unsigned int value)
{
    list_add(list, name, VIR_TYPED_PARAM_UINT)->value.ui = value;
}

void typed_list_llong(TypedList *list, const char *name, long long value)
{
    list_add(list, name, VIR_TYPED_PARAM_LLONG)->value.l = value;
}

void typed_list_ullong(TypedList *list, const char *name, unsigned long long value)
{
    list_add(list, name, VIR_TYPED_PARAM_ULLONG)->value.ul = value;
}

void typed_list_double(TypedList *list, const char *name, double value)
{
    list_add(list, name, VIR_TYPED_PARAM_DOUBLE)->value.d = value;
}

void typed_list_bool(TypedList *list, const char *name, gboolean value)
{
    list_add(list, name, VIR_TYPED_PARAM_BOOLEAN)->value.b = value ? 1 : 0;
}

void typed_list_string(TypedList *list, const char *name, const char *value)
{
    list_add(list, name, VIR_TYPED_PARAM_STRING)->value.s = g_strdup(value ? value : "");
}

#define NAMED(add, type) \
    void add##_f(TypedList *list, type value, const char *fmt, ...) \
    { \
        char name[VIR_TYPED_PARAM_FIELD_LENGTH]; \
        va_list args; \
        va_start(args, fmt); \
        g_vsnprintf(name, sizeof(name), fmt, args); \
        va_end(args); \
        add(list, name, value); \
    }

NAMED(typed_list_int, int)
NAMED(typed_list_uint, unsigned int)
NAMED(typed_list_ullong, unsigned long long)
NAMED(typed_list_string, const char *)
NAMED(typed_list_bool, gboolean)

void typed_list_clear(TypedList *list)
{
    virTypedParamsFree(list->params, list->n);
    memset(list, 0, sizeof(*list));
}

virTypedParameterPtr typed_list_steal(TypedList *list, int *n)
{
    virTypedParameterPtr params = list->params;
    *n = list->n;
    memset(list, 0, sizeof(*list));
    return params;
}

virTypedParameterPtr typed_params_copy(virTypedParameterPtr params, int n)
{
    if (n <= 0)
        return NULL;
    virTypedParameterPtr copy = g_memdup2(params, n * sizeof(*params));
    for (int i = 0; i < n; i++)
        if (copy[i].type == VIR_TYPED_PARAM_STRING)
            copy[i].value.s = g_strdup(params[i].value.s);
    return copy;
}

int typed_list_fill(TypedList *list, virTypedParameterPtr params, int *nparams)
{
    if (*nparams == 0) {
        *nparams = list->n;
        typed_list_clear(list);
        return 0;
    }
    int n = MIN(*nparams, list->n);
    for (int i = 0; i < n; i++) {
        params[i] = list->params[i];
        list->params[i].type = 0; /* moved */
    }
    *nparams = n;
    typed_list_clear(list);
    return 0;
}

static const TypedRule *rule_for(const TypedRule *rules, const char *name)
{
    for (; rules->type; rules++)
        if (g_str_equal(rules->name, name))
            return rules;
    return NULL;
}

static const char *type_name(int type)
{
    static const char *const names[] = { "unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string" };
    return type > 0 && type < (int) G_N_ELEMENTS(names) ? names[type] : names[0];
}

int typed_params_check(virTypedParameterPtr params, int n, const TypedRule *rules)
{
    for (int i = 0; i < n; i++) {
        const TypedRule *rule = rule_for(rules, params[i].field);
        if (!rule)
            return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "parameter '%s' not supported", params[i].field);
        if (params[i].type != rule->type)
            return FAIL(VIR_ERR_INVALID_ARG, "invalid type '%s' for parameter '%s', expected '%s'",
                        type_name(params[i].type), params[i].field, type_name(rule->type));
        if (params[i].type == VIR_TYPED_PARAM_STRING && !params[i].value.s)
            return FAIL(VIR_ERR_INVALID_ARG, "NULL string parameter '%s'", params[i].field);
        for (int j = 0; j < i && !rule->multiple; j++)
            if (g_str_equal(params[i].field, params[j].field))
                return FAIL(VIR_ERR_INVALID_ARG, "parameter '%s' occurs multiple times", params[i].field);
    }
    return 0;
}

/* Public functions */

virTypedParameterPtr virTypedParamsGet(virTypedParameterPtr params, int nparams, const char *name)
{
    for (int i = 0; params && name && i < nparams; i++)
        if (g_str_equal(params[i].field, name))
            return &params[i];
    return NULL;
}

#define GETTER(suffix, TYPE, ctype, member) \
    int virTypedParamsGet##suffix(virTypedParameterPtr params, int nparams, const char *name, ctype *value) \
    { \
        virResetLastError(); \
        virTypedParameterPtr param = virTypedParamsGet(params, nparams, name); \
        if (!param) \
            return 0; \
        if (param->type != VIR_TYPED_PARAM_##TYPE) { \
            error_report(VIR_FROM_NONE, VIR_ERR_INVALID_ARG, \
                         "Invalid type '%s' requested for parameter '%s', actual type is '%s'", \
                         type_name(VIR_TYPED_PARAM_##TYPE), name, type_name(param->type)); \
            error_dispatch(NULL); \
            return -1; \
        } \
        if (value) \
            *value = param->value.member; \
        return 1; \
    }

GETTER(Int, INT, int, i)
GETTER(UInt, UINT, unsigned int, ui)
GETTER(LLong, LLONG, long long, l)
GETTER(ULLong, ULLONG, unsigned long long, ul)
GETTER(Double, DOUBLE, double, d)
GETTER(Boolean, BOOLEAN, int, b)
GETTER(String, STRING, const char *, s)

/* Room for one more in the program's array; checks the name. */
static virTypedParameterPtr array_add(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name,
                                      int type)
{
    virResetLastError();
    gboolean missing = !params || !nparams || !maxparams || !name;
    if (missing || strlen(name) >= VIR_TYPED_PARAM_FIELD_LENGTH) {
        error_report(VIR_FROM_NONE, missing ? VIR_ERR_INVALID_ARG : VIR_ERR_INTERNAL_ERROR, "parameter name '%s' too long or missing",
                     name ? name : "");
        error_dispatch(NULL);
        return NULL;
    }
    if (*nparams >= *maxparams) {
        int room = MAX(*maxparams + 10, *nparams + 1);
        /* the array belongs to the program, which frees it with free() */
        virTypedParameterPtr grown = realloc(*params, room * sizeof(**params));
        if (!grown)
            g_error("out of memory");
        *params = grown;
        *maxparams = room;
    }
    virTypedParameterPtr param = &(*params)[(*nparams)++];
    memset(param, 0, sizeof(*param));
    g_strlcpy(param->field, name, sizeof(param->field));
    param->type = type;
    return param;
}

#define ADDER(suffix, TYPE, ctype, store) \
    int virTypedParamsAdd##suffix(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name, \
                                  ctype value) \
    { \
        virTypedParameterPtr param = array_add(params, nparams, maxparams, name, VIR_TYPED_PARAM_##TYPE); \
        if (!param) \
            return -1; \
        store; \
        return 0; \
    }

ADDER(Int, INT, int, param->value.i = value)
ADDER(UInt, UINT, unsigned int, param->value.ui = value)
ADDER(LLong, LLONG, long long, param->value.l = value)
ADDER(ULLong, ULLONG, unsigned long long, param->value.ul = value)
ADDER(Double, DOUBLE, double, param->value.d = value)
ADDER(Boolean, BOOLEAN, int, param->value.b = value ? 1 : 0)
ADDER(String, STRING, const char *, param->value.s = g_strdup(value ? value : ""))

int virTypedParamsAddStringList(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name,
                                const char **values)
{
    for (; values && *values; values++)
        if (virTypedParamsAddString(params, nparams, maxparams, name, *values) < 0)
            return -1;
    return 0;
}

/* A number of @value in its type's range. As strtoul() has it, "-1" is the greatest number of an unsigned type. */
static int take_number(virTypedParameterPtr param, const char *value)
{
    char *end = NULL;
    errno = 0;
    if (param->type == VIR_TYPED_PARAM_DOUBLE) {
        param->value.d = g_ascii_strtod(value, &end);
    } else if (param->type == VIR_TYPED_PARAM_ULLONG) {
        param->value.ul = strtoull(value, &end, 10);
    } else {
        long long l = strtoll(value, &end, 10);
        switch (param->type) {
        case VIR_TYPED_PARAM_INT: param->value.i = (int) l; break;
        case VIR_TYPED_PARAM_UINT: param->value.ui = (unsigned int) l; break;
        default: param->value.l = l;
        }
        if ((param->type == VIR_TYPED_PARAM_INT && l != param->value.i) ||
            (param->type == VIR_TYPED_PARAM_UINT && (l > UINT_MAX || l < -(long long) UINT_MAX)))
            return -1;
    }
    return end == value || *end || errno == ERANGE ? -1 : 0;
}

int virTypedParamsAddFromString(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name,
                                int type, const char *value)
{
    virTypedParameterPtr param = array_add(params, nparams, maxparams, name, type);
    if (!param)
        return -1;
    gboolean known = type >= VIR_TYPED_PARAM_INT && type <= VIR_TYPED_PARAM_STRING;
    int ret = 0;
    if (!value || !known) {
        ret = -1;
    } else if (type == VIR_TYPED_PARAM_STRING) {
        param->value.s = g_strdup(value);
    } else if (type == VIR_TYPED_PARAM_BOOLEAN) {
        param->value.b = g_str_equal(value, "1") || g_ascii_strcasecmp(value, "true") == 0;
        ret = param->value.b || g_str_equal(value, "0") || g_ascii_strcasecmp(value, "false") == 0 ? 0 : -1;
    } else {
        ret = take_number(param, value);
    }
    if (ret < 0) {
        (*nparams)--;
        error_report(VIR_FROM_NONE, known ? VIR_ERR_INVALID_ARG : VIR_ERR_INTERNAL_ERROR, "invalid value '%s' for %s parameter '%s'",
                     value ? value : "NULL", type_name(type), name);
        error_dispatch(NULL);
    }
    return ret;
}

void virTypedParamsClear(virTypedParameterPtr params, int nparams)
{
    for (int i = 0; params && i < nparams; i++)
        if (params[i].type == VIR_TYPED_PARAM_STRING)
            g_clear_pointer(&params[i].value.s, g_free);
}

void virTypedParamsFree(virTypedParameterPtr params, int nparams)
{
    virTypedParamsClear(params, nparams);
    g_free(params);
}
