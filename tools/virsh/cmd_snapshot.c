/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots of domains. What checkpoints have as well is in cmd_moment.c. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/moment.h"

MOMENT_FUNCTIONS(Snapshot)

static const MomentKind snapshots = {
    "snapshot", "domainsnapshot", VIR_ERR_NO_DOMAIN_SNAPSHOT, VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS,
    true, MOMENT_CALLS,
};

/* The snapshot that the option or --current names. */
static virDomainSnapshotPtr chosen_by(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *option)
{
    const char *name = NULL;

    if (cmd_string(shell, cmd, option, &name) < 0)
        return NULL;
    if (name && cmd_may_have(cmd, "current")) {
        shell_error(shell, "--%s and --current are mutually exclusive", option);
        return NULL;
    }
    if (name)
        return virsh_snapshot(shell, domain, name);
    if (cmd_may_have(cmd, "current"))
        return virDomainSnapshotCurrent(domain, 0);
    shell_error(shell, "--%s or --current is required", option);
    return NULL;
}

static virDomainSnapshotPtr chosen(Shell *shell, const Cmd *cmd, virDomainPtr domain)
{
    return chosen_by(shell, cmd, domain, "snapshotname");
}

bool cmd_snapshot_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) from = NULL;
    bool relative = cmd_has(cmd, "from") || cmd_has(cmd, "current");

    if (!domain)
        return false;
    if (cmd_has(cmd, "descendants") && !relative)
        return shell_error(shell, "--descendants requires either --from or --current");
    if (relative && !(from = chosen_by(shell, cmd, domain, "from")))
        return false;
    return moment_list(shell, cmd, &snapshots, domain, from);
}

/* Whether anything of it is in files of its own. */
static bool is_external(xmlDocPtr doc)
{
    g_autoptr(GPtrArray) found = virsh_xpath_nodes(doc, NULL, "memory[@snapshot='external'] | "
                                                              "disks/disk[@snapshot='external']");

    return found->len > 0;
}

bool cmd_snapshot_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;
    g_autoptr(VirshRecord) record = virsh_record_new();
    g_autofree char *xml = snapshot ? virDomainSnapshotGetXMLDesc(snapshot, 0) : NULL;
    g_autoptr(xmlDoc) doc = xml ? virsh_parse_xml(shell, xml) : NULL;
    g_autofree char *state = NULL;
    int current, metadata;

    if (!doc || (current = virDomainSnapshotIsCurrent(snapshot, 0)) < 0)
        return false;
    state = virsh_xpath_string(doc, NULL, "state");
    virsh_record_text(record, "Name", "name", virDomainSnapshotGetName(snapshot));
    virsh_record_text(record, "Domain", "domain", virDomainGetName(domain));
    virsh_record_flag(record, "Current", "current", current, "-");
    virsh_record_text(record, "State", "state", state);
    virsh_record_text(record, "Location", "location", is_external(doc) ? "external" : "internal");
    if (!moment_family(&snapshots, snapshot, record))
        return false;
    metadata = virDomainSnapshotHasMetadata(snapshot, 0);
    virsh_record_flag(record, metadata < 0 ? NULL : "Metadata", "metadata", metadata, "-");
    client_error_forget();
    return virsh_record_print(shell, cmd, record, 15);
}

bool cmd_snapshot_dumpxml(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;

    return snapshot && virsh_print_xml(shell, cmd, virDomainSnapshotGetXMLDesc(snapshot, cmd_flags(cmd)));
}

bool cmd_snapshot_parent(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;

    return snapshot && moment_print_parent(shell, cmd, &snapshots, snapshot);
}

static bool set_current(Shell *shell, virDomainPtr domain, const char *name)
{
    g_autoptr(virDomainSnapshot) snapshot = virsh_snapshot(shell, domain, name);
    g_autofree char *xml = snapshot ? virDomainSnapshotGetXMLDesc(snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE) : NULL;
    g_autoptr(virDomainSnapshot) made =
        xml ? virDomainSnapshotCreateXML(domain, xml, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE |
                                                          VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT)
            : NULL;

    if (made)
        shell_print_extra(shell, "Snapshot %s set as current\n", name);
    return made != NULL;
}

bool cmd_snapshot_current(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = NULL;
    const char *name = NULL;
    int has;

    if (!domain || cmd_string(shell, cmd, "snapshotname", &name) < 0)
        return false;
    if (name)
        return set_current(shell, domain, name);
    has = virDomainHasCurrentSnapshot(domain, 0);
    if (has < 0)
        return false;
    if (!has)
        return shell_error(shell, "domain '%s' has no current snapshot", virDomainGetName(domain));
    snapshot = virDomainSnapshotCurrent(domain, 0);
    if (!snapshot)
        return false;
    if (cmd_has(cmd, "name") || shell_json(cmd))
        return moment_print_name(shell, cmd, virDomainSnapshotGetName(snapshot));
    return virsh_print_xml(shell, cmd, virDomainSnapshotGetXMLDesc(snapshot, cmd_flags(cmd)));
}

bool cmd_snapshot_revert(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;

    if (!snapshot || virDomainRevertToSnapshot(snapshot, cmd_flags(cmd)) < 0)
        return false;
    shell_print_extra(shell, "Domain snapshot %s reverted\n", virDomainSnapshotGetName(snapshot));
    return true;
}

bool cmd_snapshot_delete(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;

    if (!snapshot)
        return false;
    if (virDomainSnapshotDelete(snapshot, cmd_flags(cmd)) < 0)
        return shell_error(shell, "Failed to delete snapshot %s", virDomainSnapshotGetName(snapshot));
    shell_print_extra(shell, cmd_has(cmd, "children-only") ? "Domain snapshot %s children deleted\n"
                                                           : "Domain snapshot %s deleted\n",
                      virDomainSnapshotGetName(snapshot));
    return true;
}

/* --- creation --- */

bool cmd_snapshot_create(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *xml = domain ? moment_file(shell, cmd, &snapshots) : NULL;

    return xml && moment_create(shell, cmd, &snapshots, domain, xml, cmd_get(cmd, "xmlfile"));
}

/* [file=]NAME[,snapshot=TYPE] */
static bool memory_xml(Shell *shell, GString *xml, const char *text)
{
    g_auto(GStrv) words = moment_spec(text);
    const char *file = NULL, *type = NULL;

    for (char **word = words; *word; word++) {
        if (!type && (type = moment_spec_value(*word, "snapshot")))
            continue;
        if (!file && (file = moment_spec_value(*word, "file")))
            continue;
        if (word != words || file)
            return shell_error(shell, "unable to parse memspec: %s", text);
        file = *word;
    }
    g_string_append(xml, "  <memory");
    if (type) {
        g_autofree char *attribute = g_markup_printf_escaped(" snapshot='%s'", type);
        g_string_append(xml, attribute);
    }
    if (file)
        virsh_xml_line(xml, 0, " file='%s'/>", file);
    else
        g_string_append(xml, "/>\n");
    return true;
}

/* DISK[,snapshot=TYPE][,driver=FORMAT][,stype=TYPE][,file=NAME] */
static bool disk_xml(Shell *shell, GString *xml, const char *text)
{
    static const char *const keys[] = {"snapshot", "driver", "stype", "file"};
    const char *values[G_N_ELEMENTS(keys)] = {NULL};
    g_auto(GStrv) words = moment_spec(text);
    g_autofree char *head = g_markup_printf_escaped("    <disk name='%s'", words[0]);

    if (!moment_disk_values(shell, words, keys, values, G_N_ELEMENTS(keys), text))
        return false;
    if (values[2] && !g_str_equal(values[2], "file") && !g_str_equal(values[2], "block"))
        return shell_error(shell, "Unknown storage type: '%s'", values[2]);
    g_string_append(xml, head);
    for (size_t i = 0; i < 3; i += 2) { /* snapshot, stype */
        g_autofree char *attribute = values[i] ? g_markup_printf_escaped(i ? " type='%s'" : " snapshot='%s'", values[i])
                                               : NULL;
        g_string_append(xml, attribute ? attribute : "");
    }
    if (!values[1] && !values[3]) {
        g_string_append(xml, "/>\n");
        return true;
    }
    g_string_append(xml, ">\n");
    if (values[1])
        virsh_xml_line(xml, 3, "<driver type='%s'/>", values[1]);
    if (values[3])
        virsh_xml_line(xml, 3, g_strcmp0(values[2], "block") == 0 ? "<source dev='%s'/>" : "<source file='%s'/>",
                       values[3]);
    g_string_append(xml, "    </disk>\n");
    return true;
}

bool cmd_snapshot_create_as(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(GString) xml = g_string_new(NULL);
    const char *memory = NULL;

    if (!domain || !moment_begin_xml(shell, cmd, &snapshots, xml) || cmd_string(shell, cmd, "memspec", &memory) < 0)
        return false;
    if (memory && !memory_xml(shell, xml, memory))
        return false;
    return moment_create_as(shell, cmd, &snapshots, domain, xml, disk_xml);
}

/* --- edit --- */

typedef struct {
    virDomainPtr domain;
    virDomainSnapshotPtr snapshot;
    bool rename, clone, current;
    char *made; /* name of what was defined */
} Edit;

static char *edit_get(Shell *shell, void *data)
{
    return virDomainSnapshotGetXMLDesc(((Edit *)data)->snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
}

/* The name is looked at before anything is defined, so that a mistake changes nothing. */
static bool edit_set(Shell *shell, void *data, const char *xml)
{
    Edit *edit = data;
    const char *old = virDomainSnapshotGetName(edit->snapshot);
    g_autoptr(xmlDoc) doc = virsh_parse_xml(shell, xml);
    g_autofree char *name = doc ? virsh_xpath_string(doc, NULL, "string(/domainsnapshot/name)") : NULL;
    unsigned int flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | (edit->current ? VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT : 0);
    g_autoptr(virDomainSnapshot) made = NULL;

    if (!doc)
        return false;
    if (!g_str_equal(name, old) && !edit->rename && !edit->clone)
        return shell_error(shell, "must use --rename or --clone to change %s to %s", old, name);
    made = virDomainSnapshotCreateXML(edit->domain, xml, flags);
    if (!made)
        return false;
    edit->made = g_strdup(virDomainSnapshotGetName(made));
    return g_str_equal(edit->made, old) || !edit->rename ||
           virDomainSnapshotDelete(edit->snapshot, VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY) == 0;
}

bool cmd_snapshot_edit(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;
    Edit data = {domain, snapshot, cmd_has(cmd, "rename"), cmd_has(cmd, "clone"), cmd_has(cmd, "current"), NULL};
    g_autofree char *what = NULL;
    VirshEdit edit = {NULL, edit_get, edit_set, NULL, &data};
    const char *name;
    bool done;

    if (!snapshot)
        return false;
    name = virDomainSnapshotGetName(snapshot);
    edit.what = what = g_strdup_printf("Snapshot %s XML configuration", name);
    done = virsh_edit(shell, &edit);
    if (done && data.made && !g_str_equal(data.made, name))
        shell_print_extra(shell, data.rename ? "Snapshot %s renamed to %s\n" : "Snapshot %s cloned to %s\n", name,
                          data.made);
    g_free(data.made);
    return done;
}
