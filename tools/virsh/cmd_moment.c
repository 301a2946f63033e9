/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/virsh/moment.h"

#include <stdlib.h>
#include <string.h>

static void free_list(const MomentKind *kind, void **moments, int count)
{
    for (int i = 0; i < count; i++)
        kind->free(moments[i]);
    free(moments);
}

/* --- lists --- */

/* One moment of a list, as its XML tells it. */
typedef struct {
    char *name, *parent, *state;
    long long created;
} Moment;

static void clear_moment(gpointer data)
{
    Moment *moment = data;

    g_free(moment->name);
    g_free(moment->parent);
    g_free(moment->state);
}

static bool read_moment(Shell *shell, const MomentKind *kind, void *object, GArray *found)
{
    g_autofree char *xml = kind->xml(object, 0);
    g_autoptr(xmlDoc) doc = xml ? virsh_parse_xml(shell, xml) : NULL;
    g_autofree char *created = NULL;
    Moment moment;

    if (!doc)
        return false;
    created = virsh_xpath_string(doc, NULL, "creationTime");
    moment = (Moment){g_strdup(kind->name(object)), virsh_xpath_string(doc, NULL, "parent/name"),
                      virsh_xpath_string(doc, NULL, "state"), created ? g_ascii_strtoll(created, NULL, 10) : 0};
    g_array_append_val(found, moment);
    return true;
}

static int compare_moments(const void *a, const void *b)
{
    return g_ascii_strcasecmp(((const Moment *)a)->name, ((const Moment *)b)->name);
}

static bool print_tree(Shell *shell, const GArray *found)
{
    g_autofree VirshTree *nodes = g_new0(VirshTree, found->len + 1);

    for (guint i = 0; i < found->len; i++) {
        const Moment *moment = &g_array_index(found, Moment, i);

        nodes[i] = (VirshTree){moment->name, moment->parent};
    }
    virsh_print_tree(shell, nodes, found->len);
    return true;
}

static bool print_moments(Shell *shell, const Cmd *cmd, const MomentKind *kind, const GArray *found)
{
    g_autoptr(VirshRows) rows = NULL;

    if (cmd_has(cmd, "tree") && !shell_json(cmd))
        return print_tree(shell, found);
    rows = kind->state
        ? virsh_rows_new("Name", "Creation Time", "State", cmd_has(cmd, "parent") ? "Parent" : NULL, NULL)
        : virsh_rows_new("Name", "Creation Time", cmd_has(cmd, "parent") ? "Parent" : NULL, NULL);
    for (guint i = 0; i < found->len; i++) {
        const Moment *moment = &g_array_index(found, Moment, i);
        VirshRecord *record;

        if (cmd_has(cmd, "name") && !shell_json(cmd)) {
            shell_print(shell, "%s\n", moment->name);
            continue;
        }
        record = virsh_rows_add(rows);
        virsh_record_text(record, "Name", "name", moment->name);
        virsh_record_both(record, "Creation Time", virsh_time(moment->created), "creation_time_s",
                          json_object_new_int64(moment->created));
        if (kind->state)
            virsh_record_text(record, "State", "state", moment->state);
        virsh_record_both(record, "Parent", g_strdup(moment->parent ? moment->parent : ""), "parent",
                          moment->parent ? json_object_new_string(moment->parent) : NULL);
    }
    return (cmd_has(cmd, "name") && !shell_json(cmd)) || virsh_rows_print(shell, cmd, rows);
}

bool moment_list(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, void *from)
{
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(Moment));
    unsigned int flags = cmd_flags(cmd);
    void **moments = NULL;
    bool done = true;
    int count;

    g_array_set_clear_func(found, clear_moment);
    if (from && cmd_has(cmd, "descendants"))
        flags |= kind->descendants;
    count = from ? kind->children(from, &moments, flags) : kind->list(domain, &moments, flags);
    if (count < 0)
        return false;
    if (from && cmd_has(cmd, "tree"))
        done = read_moment(shell, kind, from, found);
    for (int i = 0; i < count && done; i++)
        done = read_moment(shell, kind, moments[i], found);
    free_list(kind, moments, count);
    if (!cmd_has(cmd, "topological"))
        g_array_sort(found, compare_moments);
    return done && print_moments(shell, cmd, kind, found);
}

/* --- one of them --- */

/* -1: an error is pending. */
static int count_children(const MomentKind *kind, void *moment, bool all)
{
    void **moments = NULL;
    int count = kind->children(moment, &moments, all ? kind->descendants : 0);

    if (count >= 0)
        free_list(kind, moments, count);
    return count;
}

/* 1 and the name; 0: it has none; -1: an error is pending. */
static int parent_name(const MomentKind *kind, void *moment, char **name)
{
    void *parent = kind->parent(moment);

    *name = NULL;
    if (!parent && client_error_code() != kind->none)
        return -1;
    if (!parent) {
        client_error_forget();
        return 0;
    }
    *name = g_strdup(kind->name(parent));
    kind->free(parent);
    return 1;
}

bool moment_print_name(Shell *shell, const Cmd *cmd, const char *name)
{
    if (shell_json(cmd))
        return virsh_print_word(shell, cmd, "name", name);
    shell_print(shell, "%s", name); /* the shell ends the line */
    return true;
}

bool moment_print_parent(Shell *shell, const Cmd *cmd, const MomentKind *kind, void *moment)
{
    g_autofree char *name = NULL;
    int rc = parent_name(kind, moment, &name);

    if (rc == 0)
        return shell_error(shell, "%s '%s' has no parent", kind->what, kind->name(moment));
    return rc > 0 && moment_print_name(shell, cmd, name);
}

bool moment_family(const MomentKind *kind, void *moment, VirshRecord *record)
{
    g_autofree char *parent = NULL;
    int children, descendants;

    if (parent_name(kind, moment, &parent) < 0)
        return false;
    children = count_children(kind, moment, false);
    descendants = children < 0 ? -1 : count_children(kind, moment, true);
    if (descendants < 0)
        return false;
    virsh_record_text(record, "Parent", "parent", parent);
    virsh_record_uint(record, "Children", "children", children);
    virsh_record_uint(record, "Descendants", "descendants", descendants);
    return true;
}

/* --- creation --- */

char *moment_file(Shell *shell, const Cmd *cmd, const MomentKind *kind)
{
    if (cmd_has(cmd, "xmlfile"))
        return virsh_read_option(shell, cmd, "xmlfile");
    return g_strdup_printf("<%s/>", kind->root);
}

bool moment_create(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, const char *xml,
                   const char *file)
{
    void *moment = kind->create(domain, xml, cmd_flags(cmd));

    if (!moment)
        return false;
    if (file)
        shell_print_extra(shell, "Domain %s %s created from '%s'", kind->what, kind->name(moment), file);
    else
        shell_print_extra(shell, "Domain %s %s created", kind->what, kind->name(moment));
    kind->free(moment);
    return true;
}

bool moment_begin_xml(Shell *shell, const Cmd *cmd, const MomentKind *kind, GString *xml)
{
    const char *name = NULL, *description = NULL;

    if (cmd_string(shell, cmd, "name", &name) < 0 || cmd_string(shell, cmd, "description", &description) < 0)
        return false;
    virsh_xml_line(xml, 0, "<%s>", kind->root);
    if (name)
        virsh_xml_line(xml, 1, "<name>%s</name>", name);
    if (description)
        virsh_xml_line(xml, 1, "<description>%s</description>", description);
    return true;
}

bool moment_create_as(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, GString *xml,
                      MomentDisk disk)
{
    const char *const *disks = cmd_argv(cmd, "diskspec");
    bool any = *disks != NULL;

    if (any)
        g_string_append(xml, "  <disks>\n");
    for (; *disks; disks++) {
        if (!disk(shell, xml, *disks))
            return false;
    }
    if (any)
        g_string_append(xml, "  </disks>\n");
    virsh_xml_line(xml, 0, "</%s>", kind->root);
    if (!cmd_has(cmd, "print-xml"))
        return moment_create(shell, cmd, kind, domain, xml->str, NULL);
    shell_print(shell, "%s\n", xml->str);
    return true;
}

bool moment_disk_values(Shell *shell, char **words, const char *const *keys, const char **values, size_t n,
                        const char *spec)
{
    for (char **word = words + 1; words[0] && *word; word++) {
        size_t key = 0;

        while (key < n && (values[key] || !(values[key] = moment_spec_value(*word, keys[key]))))
            key++;
        if (key == n)
            return shell_error(shell, "unable to parse diskspec: %s", spec);
    }
    return true;
}

char **moment_spec(const char *text)
{
    g_autoptr(GString) word = g_string_new(NULL);
    GPtrArray *words = g_ptr_array_new();

    for (; *text; text++) {
        if (text[0] == ',' && text[1] == ',') {
            g_string_append_c(word, *text++);
        } else if (*text == ',') {
            g_ptr_array_add(words, g_strdup(word->str));
            g_string_truncate(word, 0);
        } else {
            g_string_append_c(word, *text);
        }
    }
    g_ptr_array_add(words, g_strdup(word->str));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

const char *moment_spec_value(const char *word, const char *key)
{
    size_t length = strlen(key);

    return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}
