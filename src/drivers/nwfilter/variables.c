/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NWFILTER
#include "drivers/nwfilter/variables.h"
#include <string.h>
#include "base/error.h"

#define MAX_VARIABLES 64
#define MAX_ITERATORS 8
/* Combinations of one rule. */
#define MAX_COMBINATIONS 20000

/* A value that is a variable: where, and how its values are gone through. */
typedef struct Use {
    const XmlMember *member;
    guint match;             /* which of the rule's matches */
    size_t at;               /* of the string, in the match */
    const char *const *values;
    guint n_values;
    int iterator;            /* place in Uses.iterators; -1: one value alone */
    guint index;
} Use;

typedef struct Uses {
    const Scope *scope;
    const char *filter;
    Use list[MAX_VARIABLES];
    guint n;
    struct { guint id, size; } iterators[MAX_ITERATORS];
    guint n_iterators;
    GPtrArray *owned;        /* arrays of values */
    char *missing;
} Uses;

/* The values that a scope gives a variable; several parameters of one name are a list. NULL: none. Caller frees the array. */
static GPtrArray *values_of(const Scope *scope, const char *name)
{
    for (; scope; scope = scope->above) {
        GPtrArray *found = NULL;
        for (guint i = 0; i < scope->ref->n_parameters; i++) {
            const FilterParameter *parameter = scope->ref->parameters[i];
            if (strcmp(parameter->name, name) != 0)
                continue;
            found = found ? found : g_ptr_array_new();
            g_ptr_array_add(found, parameter->value);
        }
        if (found)
            return found;
    }
    return NULL;
}

static int find_iterator(Uses *uses, guint id, const Use *use, const char *text)
{
    guint i = 0;
    while (i < uses->n_iterators && uses->iterators[i].id != id)
        i++;
    if (i == MAX_ITERATORS)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s': a rule goes through more than %d lists", uses->filter, MAX_ITERATORS);
    if (i == uses->n_iterators) {
        uses->iterators[uses->n_iterators].id = id;
        uses->iterators[uses->n_iterators++].size = use->n_values;
    }
    if (uses->iterators[i].size != use->n_values)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s': the list of %s has %u values, and another that is gone through with it has %u: "
                    "give them iterators of their own, as $NAME[@1] and $NAME[@2]", uses->filter, text, use->n_values, uses->iterators[i].size);
    return (int) i;
}

/* $NAME, $NAME[INDEX], $NAME[@ITERATOR]: the form has been checked. */
static int add_use(Uses *uses, const XmlMember *member, guint match, const char *text)
{
    const char *subscript = strchr(text, '[');
    g_autofree char *name = subscript ? g_strndup(text + 1, (gsize) (subscript - text - 1)) : g_strdup(text + 1);
    Use use = { .member = member, .match = match, .at = member->offset };
    GPtrArray *values = values_of(uses->scope, name);
    if (!values && uses->scope->learnt->value && strcmp(name, "IP") == 0 && member->form == xml_form_filter_ipv4) {
        uses->scope->learnt->used = TRUE;
        values = g_ptr_array_new();
        g_ptr_array_add(values, (char *) uses->scope->learnt->value);
        subscript = NULL; /* it is the whole list */
    }
    if (!values) {
        uses->missing = uses->missing ? uses->missing : g_strdup(name);
        return 0;
    }
    g_ptr_array_add(uses->owned, values);
    use.values = (const char *const *) values->pdata;
    use.n_values = values->len;
    use.iterator = -1;
    if (uses->n == MAX_VARIABLES)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s': a rule has more than %d variables", uses->filter, MAX_VARIABLES);
    if (subscript && subscript[1] != '@') {
        use.index = (guint) g_ascii_strtoull(subscript + 1, NULL, 10);
        if (use.index >= use.n_values)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s': there is no value %s, which has %u values", uses->filter, text, use.n_values);
    } else {
        guint id = subscript ? (guint) g_ascii_strtoull(subscript + 2, NULL, 10) : 0;
        use.iterator = find_iterator(uses, id, &use, text);
        if (use.iterator < 0)
            return -1;
    }
    uses->list[uses->n++] = use;
    return 0;
}

/* Whether a member is one of those that the element has. */
static gboolean is_meant(const XmlMember *m, const NwfilterMatch *match)
{
    return !m->when_mask || (m->when_mask >> match->protocol & 1);
}

/* Every string of the match that begins with $; parts are in it, not behind pointers. */
static int find_uses(Uses *uses, const NwfilterMatch *match, guint which)
{
    for (guint i = 0; i < NWFILTER_MATCH_DESC.n_members; i++) {
        const XmlMember *m = &NWFILTER_MATCH_DESC.members[i];
        const char *text = m->type == XML_STRING ? *(char *const *) ((const char *) match + m->offset) : NULL;
        if (!is_meant(m, match) || !text || *text != '$' || !m->form)
            continue;
        if (add_use(uses, m, which, text) < 0)
            return -1;
    }
    return 0;
}

static void uses_clear(Uses *uses)
{
    g_ptr_array_unref(uses->owned);
    g_free(uses->missing);
}

static void free_values(void *values)
{
    g_ptr_array_free(values, TRUE);
}

static int uses_init(Uses *uses, const Scope *scope, const char *filter, const NwfilterRule *rule)
{
    *uses = (Uses) { .scope = scope, .filter = filter, .owned = g_ptr_array_new_with_free_func(free_values) };
    for (guint i = 0; i < rule->n_matches; i++) {
        if (find_uses(uses, rule->matches[i], i) < 0)
            return -1;
    }
    return 0;
}

static int put_value(const Uses *uses, const Use *use, guint which, NwfilterRule *into)
{
    char **place = (char **) ((char *) into->matches[use->match] + use->at), *why = NULL;
    const char *value = use->values[use->iterator < 0 ? use->index : which];
    char *text = *value == VARIABLE_IS_SET ? g_strdup(value) : *value == '$' ? NULL : use->member->form(use->member, value, &why);
    if (!text) {
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "filter '%s': '%s' can't be the value of %s for %s: %s", uses->filter, value, *place,
                     use->member->name, why ? why : "a value is expected");
        g_free(why);
        return -1;
    }
    g_free(*place);
    *place = text;
    return 0;
}

int variables_each(const Scope *scope, const char *filter, const NwfilterRule *rule, VariablesEach each, void *opaque)
{
    Uses uses;
    guint at[MAX_ITERATORS] = { 0 }, i = 0, count = 0;
    int rc = uses_init(&uses, scope, filter, rule);
    if (rc == 0 && uses.missing)
        rc = FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s' needs a value for $%s: <filterref> can give it, <parameter name='%s' value='…'/>", filter,
                  uses.missing, uses.missing);
    while (rc == 0) {
        NwfilterRule *one = xml_struct_copy(&NWFILTER_RULE_DESC, rule);
        for (guint k = 0; k < uses.n && rc == 0; k++)
            rc = put_value(&uses, &uses.list[k], uses.list[k].iterator < 0 ? 0 : at[uses.list[k].iterator], one);
        if (rc == 0)
            rc = each(one, opaque);
        xml_struct_free(&NWFILTER_RULE_DESC, one);
        if (rc == 0 && ++count > MAX_COMBINATIONS)
            rc = FAIL(VIR_ERR_INTERNAL_ERROR, "filter '%s': a rule has more than %d combinations of values", filter, MAX_COMBINATIONS);
        /* the next combination; the first list goes round fastest */
        for (i = 0; i < uses.n_iterators && ++at[i] == uses.iterators[i].size; i++)
            at[i] = 0;
        if (i == uses.n_iterators)
            break;
    }
    uses_clear(&uses);
    return rc;
}
