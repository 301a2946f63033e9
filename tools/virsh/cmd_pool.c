/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storage pools: lists, facts, definitions by options, sources. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static const VirshName states[] = {
    {VIR_STORAGE_POOL_INACTIVE, "inactive"}, {VIR_STORAGE_POOL_BUILDING, "building"},
    {VIR_STORAGE_POOL_RUNNING, "running"},   {VIR_STORAGE_POOL_DEGRADED, "degraded"},
    {VIR_STORAGE_POOL_INACCESSIBLE, "inaccessible"}, {0, NULL},
};

static const VirshName types[] = {
    {VIR_CONNECT_LIST_STORAGE_POOLS_DIR, "dir"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_FS, "fs"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_NETFS, "netfs"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_LOGICAL, "logical"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_DISK, "disk"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI, "iscsi"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_ISCSI_DIRECT, "iscsi-direct"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_SCSI, "scsi"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_MPATH, "mpath"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_RBD, "rbd"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_SHEEPDOG, "sheepdog"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_GLUSTER, "gluster"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_ZFS, "zfs"},
    {VIR_CONNECT_LIST_STORAGE_POOLS_VSTORAGE, "vstorage"},
    {0, NULL},
};

/* Flags for a list of words; -1 after an error printed. */
static long type_flags(Shell *shell, const char *text)
{
    g_auto(GStrv) words = virsh_list(text);
    long flags = 0;
    int flag;

    for (char **word = words; *word; word++) {
        if (!virsh_value(types, *word, &flag)) {
            shell_error(shell, "Invalid pool type '%s'", *word);
            return -1;
        }
        flags |= flag;
    }
    return flags;
}

static int compare_pools(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virStoragePoolGetName(*(virStoragePoolPtr *)a),
                              virStoragePoolGetName(*(virStoragePoolPtr *)b));
}

/* The facts that list and info show; sizes only of an active pool. */
static bool pool_facts(VirshRecord *record, virStoragePoolPtr pool, const Cmd *cmd)
{
    static const struct {
        const char *label, *key;
        size_t offset;
    } sizes[] = {
        {"Capacity", "capacity_bytes", G_STRUCT_OFFSET(virStoragePoolInfo, capacity)},
        {"Allocation", "allocation_bytes", G_STRUCT_OFFSET(virStoragePoolInfo, allocation)},
        {"Available", "available_bytes", G_STRUCT_OFFSET(virStoragePoolInfo, available)},
    };
    virStoragePoolInfo info = {0};
    bool details = cmd_may_have(cmd, "details") || !g_str_has_suffix(cmd_command(cmd)->name, "-list");
    int autostart = 0, active = virStoragePoolIsActive(pool);
    bool known = virStoragePoolGetInfo(pool, &info) == 0;
    bool running = known && (info.state == VIR_STORAGE_POOL_RUNNING || info.state == VIR_STORAGE_POOL_DEGRADED);
    const char *state = known ? virsh_name(states, info.state, "unknown") : "unknown";

    if (virStoragePoolGetAutostart(pool, &autostart) < 0)
        autostart = -1;
    virsh_record_text(record, "Name", "name", virStoragePoolGetName(pool));
    virsh_record_text(record, "UUID", "uuid", virsh_pool_uuid(pool));
    virsh_record_both(record, "State", g_strdup(details ? state : active == 1 ? "active" : "inactive"), "state",
                      json_object_new_string(state));
    virsh_record_flag(record, "Persistent", "persistent", virStoragePoolIsPersistent(pool), "unknown");
    virsh_record_flag(record, "Autostart", "autostart", autostart, "no autostart");
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        unsigned long long bytes = G_STRUCT_MEMBER(unsigned long long, &info, sizes[i].offset);

        if (!running)
            virsh_record_both(record, NULL, NULL, sizes[i].key, NULL);
        else if (cmd_may_have(cmd, "bytes"))
            virsh_record_uint(record, sizes[i].label, sizes[i].key, bytes);
        else
            virsh_record_size(record, sizes[i].label, sizes[i].key, bytes);
    }
    return known;
}

bool cmd_pool_list(Shell *shell, const Cmd *cmd)
{
    bool words = cmd_has(cmd, "uuid") || cmd_has(cmd, "name"), plain = words && !shell_json(cmd);
    g_autoptr(VirshRows) rows = cmd_has(cmd, "details") ? virsh_rows_new("Name", "State", "Autostart", "Persistent",
                                                                         "Capacity", "Allocation", "Available", NULL)
                                                        : virsh_rows_new("Name", "State", "Autostart", NULL);
    virStoragePoolPtr *pools = NULL;
    const char *type = NULL;
    long flags;
    int count;

    if (cmd_string(shell, cmd, "type", &type) < 0 || (flags = type ? type_flags(shell, type) : 0) < 0)
        return false;
    flags |= cmd_flags(cmd);
    if (!cmd_has(cmd, "all"))
        flags |= cmd_has(cmd, "inactive") ? VIR_CONNECT_LIST_STORAGE_POOLS_INACTIVE
                                          : VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE;
    count = virConnectListAllStoragePools(virsh_conn(shell), &pools, flags);
    if (count < 0)
        return shell_error(shell, "Failed to list pools");
    qsort(pools, count, sizeof(*pools), compare_pools);
    for (int i = 0; i < count; i++) {
        if (!plain)
            pool_facts(virsh_rows_add(rows), pools[i], cmd);
        else
            shell_print(shell, "%s%s%-*s\n", cmd_has(cmd, "uuid") ? virsh_pool_uuid(pools[i]) : "",
                        cmd_has(cmd, "uuid") && cmd_has(cmd, "name") ? " " : "", cmd_has(cmd, "name") ? 20 : 0,
                        cmd_has(cmd, "name") ? virStoragePoolGetName(pools[i]) : "");
        virStoragePoolFree(pools[i]);
    }
    free(pools);
    client_error_forget(); /* of a pool that went away meanwhile */
    return plain || virsh_rows_print(shell, cmd, rows);
}

bool cmd_pool_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStoragePool) pool = virsh_pool(shell, cmd, "pool");
    g_autoptr(VirshRecord) record = virsh_record_new();

    return pool && pool_facts(record, pool, cmd) && virsh_record_print(shell, cmd, record, 15);
}

/* --- by options --- */

static void source_xml(const Cmd *cmd, GString *xml)
{
    static const struct {
        const char *option, *format;
    } lines[] = {
        {"source-host", "<host name='%s'/>"},
        {"source-path", "<dir path='%s'/>"},
        {"source-dev", "<device path='%s'/>"},
    }, last[] = {
        {"source-name", "<name>%s</name>"},
        {"source-format", "<format type='%s'/>"},
        {"source-protocol-ver", "<protocol ver='%s'/>"},
    };
    const char *secret = cmd_get(cmd, "secret-usage") ? "usage" : "uuid";
    const char *name = cmd_get(cmd, g_str_equal(secret, "usage") ? "secret-usage" : "secret-uuid");
    const char *parents[][2] = {{"parent", "adapter-parent"}, {"parent_wwnn", "adapter-parent-wwnn"},
                                {"parent_wwpn", "adapter-parent-wwpn"},
                                {"parent_fabric_wwn", "adapter-parent-fabric-wwn"}};

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        if (cmd_get(cmd, lines[i].option))
            virsh_xml_line(xml, 2, lines[i].format, cmd_get(cmd, lines[i].option));
    }
    if (cmd_get(cmd, "source-initiator")) {
        g_string_append(xml, "    <initiator>\n");
        virsh_xml_line(xml, 3, "<iqn name='%s'/>", cmd_get(cmd, "source-initiator"));
        g_string_append(xml, "    </initiator>\n");
    }
    if (cmd_get(cmd, "adapter-wwnn") && cmd_get(cmd, "adapter-wwpn")) {
        g_string_append(xml, "    <adapter type='fc_host'");
        for (size_t i = 0; i < G_N_ELEMENTS(parents); i++) {
            g_autofree char *text = cmd_get(cmd, parents[i][1])
                                        ? g_markup_printf_escaped(" %s='%s'", parents[i][0], cmd_get(cmd, parents[i][1]))
                                        : NULL;
            g_string_append(xml, text ? text : "");
        }
        virsh_xml_line(xml, 0, " wwnn='%s' wwpn='%s'/>", cmd_get(cmd, "adapter-wwnn"), cmd_get(cmd, "adapter-wwpn"));
    } else if (cmd_get(cmd, "adapter-name")) {
        virsh_xml_line(xml, 2, "<adapter type='scsi_host' name='%s'/>", cmd_get(cmd, "adapter-name"));
    }
    if (cmd_get(cmd, "auth-type") && cmd_get(cmd, "auth-username") && name) {
        virsh_xml_line(xml, 2, "<auth type='%s' username='%s'>", cmd_get(cmd, "auth-type"),
                       cmd_get(cmd, "auth-username"));
        virsh_xml_line(xml, 3, "<secret %s='%s'/>", secret, name);
        g_string_append(xml, "    </auth>\n");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(last); i++) {
        if (cmd_get(cmd, last[i].option))
            virsh_xml_line(xml, 2, last[i].format, cmd_get(cmd, last[i].option));
    }
}

/* The definition that the options describe, or NULL after an error printed. */
static char *pool_xml(Shell *shell, const Cmd *cmd)
{
    g_autoptr(GString) xml = g_string_new(NULL);
    g_autoptr(GString) source = g_string_new(NULL);
    const char *name = NULL, *type = NULL;

    if (cmd_string(shell, cmd, "name", &name) <= 0 || cmd_string(shell, cmd, "type", &type) <= 0)
        return NULL;
    virsh_xml_line(xml, 0, "<pool type='%s'>", type);
    virsh_xml_line(xml, 1, "<name>%s</name>", name);
    source_xml(cmd, source);
    if (source->len)
        g_string_append_printf(xml, "  <source>\n%s  </source>\n", source->str);
    if (cmd_get(cmd, "target")) {
        g_string_append(xml, "  <target>\n");
        virsh_xml_line(xml, 2, "<path>%s</path>", cmd_get(cmd, "target"));
        g_string_append(xml, "  </target>\n");
    }
    g_string_append(xml, "</pool>\n");
    return g_string_free(g_steal_pointer(&xml), FALSE);
}

static bool pool_as(Shell *shell, const Cmd *cmd, bool define)
{
    g_autofree char *xml = pool_xml(shell, cmd);
    g_autoptr(virStoragePool) pool = NULL;
    const char *verb = define ? "define" : "create";

    if (!xml)
        return false;
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    pool = define ? virStoragePoolDefineXML(virsh_conn(shell), xml, 0)
                  : virStoragePoolCreateXML(virsh_conn(shell), xml, cmd_flags(cmd));
    if (!pool)
        return shell_error(shell, "Failed to %s pool %s", verb, cmd_get(cmd, "name"));
    shell_print_extra(shell, "Pool %s %sd\n", virStoragePoolGetName(pool), verb);
    return true;
}

bool cmd_pool_define_as(Shell *shell, const Cmd *cmd)
{
    return pool_as(shell, cmd, true);
}

bool cmd_pool_create_as(Shell *shell, const Cmd *cmd)
{
    return pool_as(shell, cmd, false);
}

/* --- sources, capabilities --- */

static bool print_sources(Shell *shell, const Cmd *cmd, const char *spec)
{
    const char *type = NULL;
    g_autofree char *sources = NULL;

    if (cmd_string(shell, cmd, "type", &type) <= 0)
        return false;
    sources = virConnectFindStoragePoolSources(virsh_conn(shell), type, spec, 0);
    if (!sources)
        return shell_error(shell, "Failed to find any %s pool sources", type);
    shell_print(shell, "%s", sources);
    return true;
}

bool cmd_find_storage_pool_sources_as(Shell *shell, const Cmd *cmd)
{
    g_autoptr(GString) xml = g_string_new("<source>\n");
    const char *host = NULL, *port = NULL, *initiator = NULL;

    if (cmd_string(shell, cmd, "host", &host) < 0 || cmd_string(shell, cmd, "port", &port) < 0 ||
        cmd_string(shell, cmd, "initiator", &initiator) < 0)
        return false;
    if (!host)
        return print_sources(shell, cmd, NULL);
    if (port)
        virsh_xml_line(xml, 1, "<host name='%s' port='%s'/>", host, port);
    else
        virsh_xml_line(xml, 1, "<host name='%s'/>", host);
    if (initiator) {
        g_string_append(xml, "  <initiator>\n");
        virsh_xml_line(xml, 2, "<iqn name='%s'/>", initiator);
        g_string_append(xml, "  </initiator>\n");
    }
    g_string_append(xml, "</source>\n");
    return print_sources(shell, cmd, xml->str);
}

bool cmd_find_storage_pool_sources(Shell *shell, const Cmd *cmd)
{
    g_autofree char *xml = NULL;

    if (cmd_has(cmd, "srcSpec") && !(xml = virsh_read_option(shell, cmd, "srcSpec")))
        return false;
    return print_sources(shell, cmd, xml);
}

bool cmd_pool_capabilities(Shell *shell, const Cmd *cmd)
{
    g_autofree char *xml = virConnectGetStoragePoolCapabilities(virsh_conn(shell), 0);

    if (!xml)
        return shell_error(shell, "failed to get storage pool capabilities");
    shell_print(shell, "%s\n", xml);
    return true;
}
