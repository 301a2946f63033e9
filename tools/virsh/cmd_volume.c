/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storage volumes: lists, facts, creation. Their data is in cmd_volume_data.c. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static const char *volume_type(int type)
{
    static const VirshName names[] = {
        {VIR_STORAGE_VOL_FILE, "file"},       {VIR_STORAGE_VOL_BLOCK, "block"},   {VIR_STORAGE_VOL_DIR, "dir"},
        {VIR_STORAGE_VOL_NETWORK, "network"}, {VIR_STORAGE_VOL_NETDIR, "netdir"}, {VIR_STORAGE_VOL_PLOOP, "ploop"},
        {0, NULL},
    };

    return virsh_name(names, type, "unknown");
}

static int compare_volumes(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virStorageVolGetName(*(virStorageVolPtr *)a), virStorageVolGetName(*(virStorageVolPtr *)b));
}

static void list_one(VirshRecord *record, virStorageVolPtr volume)
{
    g_autofree char *path = virStorageVolGetPath(volume);
    virStorageVolInfo info = {0};
    bool known = virStorageVolGetInfo(volume, &info) == 0;

    virsh_record_text(record, "Name", "name", virStorageVolGetName(volume));
    virsh_record_text(record, "Path", "path", path);
    virsh_record_text(record, "Type", "type", known ? volume_type(info.type) : NULL);
    if (known) {
        virsh_record_size(record, "Capacity", "capacity_bytes", info.capacity);
        virsh_record_size(record, "Allocation", "allocation_bytes", info.allocation);
    } else {
        virsh_record_text(record, "Capacity", "capacity_bytes", NULL);
        virsh_record_text(record, "Allocation", "allocation_bytes", NULL);
    }
}

bool cmd_vol_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStoragePool) pool = virsh_pool(shell, cmd, "pool");
    g_autoptr(VirshRows) rows = cmd_has(cmd, "details")
                                    ? virsh_rows_new("Name", "Path", "Type", "Capacity", "Allocation", NULL)
                                    : virsh_rows_new("Name", "Path", NULL);
    virStorageVolPtr *volumes = NULL;
    int count;

    if (!pool)
        return false;
    count = virStoragePoolListAllVolumes(pool, &volumes, 0);
    if (count < 0)
        return shell_error(shell, "Failed to list volumes");
    qsort(volumes, count, sizeof(*volumes), compare_volumes);
    for (int i = 0; i < count; i++) {
        list_one(virsh_rows_add(rows), volumes[i]);
        virStorageVolFree(volumes[i]);
    }
    free(volumes);
    client_error_forget(); /* of a volume that went away meanwhile */
    return virsh_rows_print(shell, cmd, rows);
}

bool cmd_vol_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    g_autoptr(VirshRecord) record = virsh_record_new();
    bool physical = cmd_has(cmd, "physical");
    virStorageVolInfo info;
    struct {
        const char *label, *key;
        unsigned long long bytes;
    } sizes[2];

    if (!volume)
        return false;
    if ((physical ? virStorageVolGetInfoFlags(volume, &info, VIR_STORAGE_VOL_GET_PHYSICAL)
                  : virStorageVolGetInfo(volume, &info)) < 0)
        return false;
    virsh_record_text(record, "Name", "name", virStorageVolGetName(volume));
    virsh_record_text(record, "Type", "type", volume_type(info.type));
    sizes[0].label = "Capacity", sizes[0].key = "capacity_bytes", sizes[0].bytes = info.capacity;
    sizes[1].label = physical ? "Physical" : "Allocation", sizes[1].bytes = info.allocation;
    sizes[1].key = physical ? "physical_bytes" : "allocation_bytes";
    for (size_t i = 0; i < 2; i++) {
        if (cmd_has(cmd, "bytes"))
            virsh_record_both(record, sizes[i].label, g_strdup_printf("%llu bytes", sizes[i].bytes), sizes[i].key,
                              json_object_new_uint64(sizes[i].bytes));
        else
            virsh_record_size(record, sizes[i].label, sizes[i].key, sizes[i].bytes);
    }
    return virsh_record_print(shell, cmd, record, 15);
}

bool cmd_vol_path(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    g_autofree char *path = volume ? virStorageVolGetPath(volume) : NULL;

    return virsh_print_word(shell, cmd, "path", path);
}

bool cmd_vol_pool(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    g_autoptr(virStoragePool) pool = volume ? virStoragePoolLookupByVolume(volume) : NULL;
    g_autoptr(VirshRecord) record = virsh_record_new();

    if (!pool)
        return volume && shell_error(shell, "failed to get parent pool");
    if (!shell_json(cmd))
        return virsh_print_word(shell, cmd, NULL, cmd_has(cmd, "uuid") ? virsh_pool_uuid(pool)
                                                                       : virStoragePoolGetName(pool));
    virsh_record_text(record, NULL, "name", virStoragePoolGetName(pool));
    virsh_record_text(record, NULL, "uuid", virsh_pool_uuid(pool));
    return virsh_record_print(shell, cmd, record, 0);
}

/* --- creation --- */

/* "Malformed size TEXT" unless it is one. */
static bool size_option(Shell *shell, const Cmd *cmd, const char *option, unsigned long long *bytes)
{
    const char *text = NULL;

    if (cmd_string(shell, cmd, option, &text) <= 0)
        return false;
    if (shell_parse_size(text, 1, G_MAXUINT64, bytes))
        return true;
    shell_error(shell, "Malformed size %s", text);
    shell_report_suffix(shell, text);
    return false;
}

/* The volume that --backing-vol names, in the pool or anywhere. */
static virStorageVolPtr backing_volume(Shell *shell, virStoragePoolPtr pool, const char *name)
{
    virStorageVolPtr volume = virStorageVolLookupByName(pool, name);

    if (!volume)
        volume = virStorageVolLookupByKey(virsh_conn(shell), name);
    if (!volume)
        volume = virStorageVolLookupByPath(virsh_conn(shell), name);
    if (!volume)
        shell_error(shell, "failed to get vol '%s'", name);
    return volume;
}

static bool backing_xml(Shell *shell, const Cmd *cmd, virStoragePoolPtr pool, GString *xml)
{
    const char *name = NULL, *format = NULL;
    g_autoptr(virStorageVol) backing = NULL;
    g_autofree char *path = NULL;

    if (cmd_string(shell, cmd, "backing-vol", &name) < 0 || cmd_string(shell, cmd, "backing-vol-format", &format) < 0)
        return false;
    if (!name)
        return true;
    backing = backing_volume(shell, pool, name);
    path = backing ? virStorageVolGetPath(backing) : NULL;
    if (!path)
        return false;
    g_string_append(xml, "  <backingStore>\n");
    virsh_xml_line(xml, 2, "<path>%s</path>", path);
    if (format)
        virsh_xml_line(xml, 2, "<format type='%s'/>", format);
    g_string_append(xml, "  </backingStore>\n");
    return true;
}

bool cmd_vol_create_as(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStoragePool) pool = virsh_pool(shell, cmd, "pool");
    g_autoptr(virStorageVol) volume = NULL;
    g_autoptr(GString) xml = g_string_new("<volume>\n");
    unsigned long long capacity = 0, allocation = 0;
    const char *name = NULL, *format = NULL;

    if (!pool || cmd_string(shell, cmd, "name", &name) <= 0 || !size_option(shell, cmd, "capacity", &capacity) ||
        (cmd_has(cmd, "allocation") && !size_option(shell, cmd, "allocation", &allocation)) ||
        cmd_string(shell, cmd, "format", &format) < 0)
        return false;
    virsh_xml_line(xml, 1, "<name>%s</name>", name);
    virsh_xml_line(xml, 1, "<capacity>%llu</capacity>", capacity);
    if (cmd_has(cmd, "allocation"))
        virsh_xml_line(xml, 1, "<allocation>%llu</allocation>", allocation);
    if (format) {
        g_string_append(xml, "  <target>\n");
        virsh_xml_line(xml, 2, "<format type='%s'/>", format);
        g_string_append(xml, "  </target>\n");
    }
    if (!backing_xml(shell, cmd, pool, xml))
        return false;
    g_string_append(xml, "</volume>\n");
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml->str);
        return true;
    }
    volume = virStorageVolCreateXML(pool, xml->str, cmd_flags(cmd));
    if (!volume)
        return shell_error(shell, "Failed to create vol %s", name);
    shell_print_extra(shell, "Vol %s created\n", name);
    return true;
}

bool cmd_vol_create(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStoragePool) pool = virsh_pool(shell, cmd, "pool");
    g_autofree char *xml = pool ? virsh_read_option(shell, cmd, "file") : NULL;
    g_autoptr(virStorageVol) volume = xml ? virStorageVolCreateXML(pool, xml, cmd_flags(cmd)) : NULL;

    if (!volume)
        return xml && shell_error(shell, "Failed to create vol from %s", cmd_get(cmd, "file"));
    shell_print_extra(shell, "Vol %s created from %s\n", virStorageVolGetName(volume), cmd_get(cmd, "file"));
    return true;
}

bool cmd_vol_create_from(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStoragePool) pool = virsh_pool(shell, cmd, "pool");
    g_autoptr(virStorageVol) source = pool ? virsh_volume(shell, cmd, "vol", "inputpool") : NULL;
    g_autofree char *xml = source ? virsh_read_option(shell, cmd, "file") : NULL;
    g_autoptr(virStorageVol) volume = xml ? virStorageVolCreateXMLFrom(pool, xml, source, cmd_flags(cmd)) : NULL;

    if (!volume)
        return xml && shell_error(shell, "Failed to create vol from %s", cmd_get(cmd, "file"));
    shell_print_extra(shell, "Vol %s created from input vol %s\n", virStorageVolGetName(volume),
                      virStorageVolGetName(source));
    return true;
}

/* The volume's XML with another name. */
static char *renamed_xml(Shell *shell, virStorageVolPtr volume, const char *name)
{
    g_autofree char *xml = virStorageVolGetXMLDesc(volume, 0);
    g_autoptr(xmlDoc) doc = xml ? virsh_parse_xml(shell, xml) : NULL;
    g_autoptr(GPtrArray) names = doc ? virsh_xpath_nodes(doc, NULL, "/volume/name") : NULL;
    xmlChar *escaped;

    if (!names || names->len != 1)
        return NULL;
    escaped = xmlEncodeSpecialChars(doc, (const xmlChar *)name);
    xmlNodeSetContent(names->pdata[0], escaped);
    xmlFree(escaped);
    return virsh_node_xml(doc, xmlDocGetRootElement(doc));
}

bool cmd_vol_clone(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) source = virsh_volume(shell, cmd, "vol", "pool");
    g_autoptr(virStoragePool) pool = source ? virStoragePoolLookupByVolume(source) : NULL;
    g_autoptr(virStorageVol) volume = NULL;
    g_autofree char *xml = NULL;
    const char *name = NULL;

    if (!source)
        return false;
    if (!pool)
        return shell_error(shell, "failed to get parent pool");
    if (cmd_string(shell, cmd, "newname", &name) <= 0 || !(xml = renamed_xml(shell, source, name)))
        return false;
    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    volume = virStorageVolCreateXMLFrom(pool, xml, source, cmd_flags(cmd));
    if (!volume)
        return shell_error(shell, "Failed to clone vol from %s", virStorageVolGetName(source));
    shell_print_extra(shell, "Vol %s cloned from %s\n", virStorageVolGetName(volume), virStorageVolGetName(source));
    return true;
}

bool cmd_vol_resize(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    unsigned int flags = cmd_flags(cmd);
    unsigned long long capacity = 0;
    const char *text = NULL, *size;

    if (!volume || cmd_string(shell, cmd, "capacity", &text) <= 0)
        return false;
    size = text;
    if (*size == '-') {
        if (!(flags & VIR_STORAGE_VOL_RESIZE_SHRINK))
            return shell_error(shell, "negative size requires --shrink");
        flags |= VIR_STORAGE_VOL_RESIZE_DELTA;
        size++;
    }
    if (!shell_parse_size(size, 1, G_MAXUINT64, &capacity)) {
        shell_error(shell, "Malformed size %s", size);
        shell_report_suffix(shell, size);
        return false;
    }
    if (virStorageVolResize(volume, capacity, flags) < 0)
        return shell_error(shell, flags & VIR_STORAGE_VOL_RESIZE_DELTA ? "Failed to change size of volume '%s' by %s"
                                                                       : "Failed to change size of volume '%s' to %s",
                           virStorageVolGetName(volume), text);
    shell_print_extra(shell, flags & VIR_STORAGE_VOL_RESIZE_DELTA ? "Size of volume '%s' successfully changed by %s\n"
                                                                  : "Size of volume '%s' successfully changed to %s\n",
                      virStorageVolGetName(volume), text);
    return true;
}

bool cmd_vol_wipe(Shell *shell, const Cmd *cmd)
{
    static const VirshName algorithms[] = {
        {VIR_STORAGE_VOL_WIPE_ALG_ZERO, "zero"},           {VIR_STORAGE_VOL_WIPE_ALG_NNSA, "nnsa"},
        {VIR_STORAGE_VOL_WIPE_ALG_DOD, "dod"},             {VIR_STORAGE_VOL_WIPE_ALG_BSI, "bsi"},
        {VIR_STORAGE_VOL_WIPE_ALG_GUTMANN, "gutmann"},     {VIR_STORAGE_VOL_WIPE_ALG_SCHNEIER, "schneier"},
        {VIR_STORAGE_VOL_WIPE_ALG_PFITZNER7, "pfitzner7"}, {VIR_STORAGE_VOL_WIPE_ALG_PFITZNER33, "pfitzner33"},
        {VIR_STORAGE_VOL_WIPE_ALG_RANDOM, "random"},       {VIR_STORAGE_VOL_WIPE_ALG_TRIM, "trim"},
        {0, NULL},
    };
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    const char *name = NULL;
    int algorithm = 0;

    if (!volume || cmd_string(shell, cmd, "algorithm", &name) < 0)
        return false;
    if (name && !virsh_value(algorithms, name, &algorithm))
        return shell_error(shell, "Unsupported algorithm '%s'", name);
    if ((name ? virStorageVolWipePattern(volume, algorithm, 0) : virStorageVolWipe(volume, 0)) < 0)
        return shell_error(shell, "Failed to wipe vol %s", virStorageVolGetName(volume));
    shell_print_extra(shell, "Vol %s wiped\n", virStorageVolGetName(volume));
    return true;
}
