/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN api_error_domain
#include "domain/params.h"
#include "domain/api.h"

/* ---- numbers of any width ---- */

static gint64 load_number(const Param *param, const void *field)
{
    gboolean is_signed = param->type == VIR_TYPED_PARAM_INT || param->type == VIR_TYPED_PARAM_LLONG;
    switch (param->bytes) {
    case 1: return *(const guint8 *) field;
    case 4: return is_signed ? (gint64) *(const gint32 *) field : (gint64) *(const guint32 *) field;
    default: return *(const gint64 *) field;
    }
}

static void store_number(const Param *param, void *field, gint64 value)
{
    switch (param->bytes) {
    case 1: *(guint8 *) field = (guint8) value; break;
    case 4: *(guint32 *) field = (guint32) value; break;
    default: *(gint64 *) field = value;
    }
}

static gint64 value_number(const virTypedParameter *value)
{
    switch (value->type) {
    case VIR_TYPED_PARAM_INT: return value->value.i;
    case VIR_TYPED_PARAM_UINT: return value->value.ui;
    case VIR_TYPED_PARAM_BOOLEAN: return value->value.b;
    default: return value->value.l;
    }
}

static void append_number(TypedList *list, const Param *param, gint64 value)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_INT: typed_list_int(list, param->name, (int) value); break;
    case VIR_TYPED_PARAM_UINT: typed_list_uint(list, param->name, (unsigned int) value); break;
    case VIR_TYPED_PARAM_LLONG: typed_list_llong(list, param->name, value); break;
    case VIR_TYPED_PARAM_BOOLEAN: typed_list_bool(list, param->name, value != 0); break;
    default: typed_list_ullong(list, param->name, (unsigned long long) value);
    }
}

/* ---- sections ---- */

/* NULL if there is none. */
static const void *section_of(const ParamGroup *group, const Param *param, const void *owner)
{
    const ParamStep *step = group->sections ? group->sections[param->at] : NULL;
    for (; step && step->desc && owner; step++)
        owner = *(void *const *) ((const char *) owner + step->offset);
    return owner;
}

static void *make_section(const ParamGroup *group, const Param *param, void *owner)
{
    const ParamStep *step = group->sections ? group->sections[param->at] : NULL;
    for (; step && step->desc; step++) {
        void **place = (void **) ((char *) owner + step->offset);
        if (!*place)
            *place = xml_struct_new(step->desc);
        owner = *place;
    }
    return owner;
}

/* ---- get ---- */

static void append_set(TypedList *list, const char *name, const Bitmap *set)
{
    g_autofree char *text = set ? bitmap_format(set) : NULL;
    typed_list_string(list, name, text);
}

static void get_one(const ParamGroup *group, const Param *param, const void *owner, gboolean running, TypedList *list)
{
    const char *section = section_of(group, param, owner);
    const void *field = section ? section + param->offset : NULL;
    gboolean given = field && (!param->has || *(const bool *) (section + param->has));
    switch ((ParamForm) param->form) {
    case PARAM_NUMBER: {
        gint64 number = given ? load_number(param, field) : 0;
        append_number(list, param, number || !running ? number : param->running);
        break;
    }
    case PARAM_LIMIT:
        append_number(list, param, given ? load_number(param, field) : (gint64) VIR_DOMAIN_MEMORY_PARAM_UNLIMITED);
        break;
    case PARAM_ENUM:
        append_number(list, param, field ? MAX(load_number(param, field), 1) - 1 : 0);
        break;
    case PARAM_TEXT:
        typed_list_string(list, param->name, field ? *(char *const *) field : NULL);
        break;
    case PARAM_SET:
        append_set(list, param->name, field ? *(Bitmap *const *) field : NULL);
        break;
    case PARAM_CUSTOM:
        group->get(param, owner, list);
        break;
    }
}

void params_get(const ParamGroup *group, const void *owner, gboolean running, TypedList *list)
{
    for (guint i = 0; i < group->n; i++)
        get_one(group, &group->params[i], owner, running, list);
}

/* ---- set ---- */

const Param *params_find(const ParamGroup *group, const char *name)
{
    for (guint i = 0; i < group->n; i++) {
        if (strcmp(group->params[i].name, name) == 0)
            return &group->params[i];
    }
    return NULL;
}

static int check_range(const Param *param, const virTypedParameter *value)
{
    if (value->type == VIR_TYPED_PARAM_STRING || (param->min == 0 && param->max == 0))
        return 0;
    gint64 number = value_number(value);
    gboolean huge = value->type == VIR_TYPED_PARAM_ULLONG && value->value.ul > G_MAXINT64;
    if (!huge && number >= param->min && number <= param->max)
        return 0;
    return FAIL(VIR_ERR_INVALID_ARG, "value of '%s' is out of range [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "]",
                param->name, param->min, param->max);
}

int params_validate(const ParamGroup *group, virTypedParameterPtr params, int n)
{
    g_autofree TypedRule *rules = g_new0(TypedRule, group->n + 1);
    if (n > PARAMS_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "%d %s are more than the %d that one call may set", n, group->what, PARAMS_MAX);
    for (guint i = 0; i < group->n; i++)
        rules[i] = (TypedRule) { group->params[i].name, group->params[i].type, FALSE };
    if (typed_params_check(params, n, rules) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (check_range(params_find(group, params[i].field), &params[i]) < 0)
            return -1;
    }
    return 0;
}

static int store_set(Bitmap **field, const char *text)
{
    Bitmap *set = bitmap_parse(text, 0);
    if (!set)
        return -1;
    bitmap_free(*field);
    *field = set;
    return 0;
}

static void store_text(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

int param_store(const Param *param, void *section, const virTypedParameter *value)
{
    void *field = (char *) section + param->offset;
    gboolean given = TRUE;
    switch ((ParamForm) param->form) {
    case PARAM_TEXT:
        store_text(field, value->value.s);
        return 0;
    case PARAM_SET:
        return store_set(field, value->value.s);
    case PARAM_ENUM:
        store_number(param, field, value_number(value) + 1);
        return 0;
    case PARAM_LIMIT:
        given = value_number(value) != (gint64) VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
        break;
    default:
        break;
    }
    store_number(param, field, given ? value_number(value) : 0);
    if (param->has)
        *(bool *) ((char *) section + param->has) = given;
    return 0;
}

static int apply_all(ParamChange *change)
{
    for (int i = 0; i < change->n; i++) {
        const Param *param = params_find(change->group, change->params[i].field);
        int rc = param->form == PARAM_CUSTOM
            ? change->group->set(param, change->owner, &change->params[i])
            : param_store(param, make_section(change->group, param, change->owner), &change->params[i]);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int params_set(ParamChange *change)
{
    const ParamGroup *group = change->group;
    change->owner = group->find ? group->find(change->def, change->key, change->id) : change->def;
    if (!change->owner || (group->apply ? group->apply(change) : apply_all(change)) < 0)
        return -1;
    return group->check ? group->check(change) : 0;
}
