/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes of PCI functions: configuration space (PCI 3.0, 6.7 and PCI Express 7.8) and vital product data (PCI 2.2, appendix I). They
 * come from hardware that may be broken or hostile: nothing is read beyond @len, no loop is endless.
 */
#include <string.h>
#include "drivers/nodedev/describe.h"

#define STATUS 0x06
#define STATUS_CAPABILITIES 0x10
#define FIRST_CAPABILITY 0x34
#define CAPABILITY_EXPRESS 0x10
/* Of the express capability. */
#define EXPRESS_FLAGS 0x02
#define EXPRESS_LINK_CAP 0x0c
#define EXPRESS_LINK_STATUS 0x12
#define EXPRESS_ROOT_ENDPOINT 9
#define EXPRESS_ROOT_COLLECTOR 10

static guint16 word(const guint8 *data)
{
    return (guint16) (data[0] | data[1] << 8);
}

/* Where the capability begins; 0: there is none such. */
static size_t find_capability(const guint8 *config, size_t len, guint8 id)
{
    if (len < 0x40 || !(word(config + STATUS) & STATUS_CAPABILITIES))
        return 0;
    size_t at = config[FIRST_CAPABILITY] & 0xfc;
    for (guint steps = 0; steps < 48 && at >= 0x40 && at + 2 <= len; steps++) {
        if (config[at] == id)
            return at;
        at = config[at + 1] & 0xfc;
    }
    return 0;
}

static void add_link(NodedevPciExpress *express, NodedevPciValidity validity, guint speed, guint width, int port)
{
    NodedevPciLink *link = xml_struct_new(&NODEDEV_PCI_LINK_DESC);
    link->validity = validity;
    /* 1: 2.5 GT/s, 2: 5 … */
    link->speed = speed >= 1 && speed < NODEDEV_PCI_SPEED_LAST - NODEDEV_PCI_SPEED_2_5 + 1 ? NODEDEV_PCI_SPEED_2_5 + speed - 1 : 0;
    link->width = width;
    link->has_port = port >= 0;
    link->port = port >= 0 ? (guint32) port : 0;
    XML_LIST_APPEND(express->links, express->n_links, link);
}

NodedevPciExpress *pci_config_express(const guint8 *config, size_t len)
{
    size_t at = find_capability(config, len, CAPABILITY_EXPRESS);
    if (!at || at + EXPRESS_LINK_STATUS + 2 > len)
        return NULL;
    NodedevPciExpress *express = xml_struct_new(&NODEDEV_PCI_EXPRESS_DESC);
    guint kind = word(config + at + EXPRESS_FLAGS) >> 4 & 0xf;
    if (kind == EXPRESS_ROOT_ENDPOINT || kind == EXPRESS_ROOT_COLLECTOR)
        return express; /* these have no link */
    guint32 cap = word(config + at + EXPRESS_LINK_CAP) | (guint32) word(config + at + EXPRESS_LINK_CAP + 2) << 16;
    guint16 status = word(config + at + EXPRESS_LINK_STATUS);
    add_link(express, NODEDEV_PCI_VALIDITY_CAP, cap & 0xf, cap >> 4 & 0x3f, (int) (cap >> 24));
    add_link(express, NODEDEV_PCI_VALIDITY_STA, status & 0xf, status >> 4 & 0x3f, -1);
    return express;
}

/* ---- vital product data ---- */

#define TAG_NAME 0x82
#define TAG_READONLY 0x90
#define TAG_READWRITE 0x91
#define TAG_END 0x78
#define MAX_FIELDS 64

/* Text of a field; NULL: it is none. */
static char *field_text(const guint8 *data, size_t len)
{
    size_t used = 0;
    for (; used < len && data[used]; used++) {
        if (!g_ascii_isprint(data[used]))
            return NULL;
    }
    g_autofree char *text = g_strstrip(g_strndup((const char *) data, used));
    return *text ? g_steal_pointer(&text) : NULL;
}

static void add_field(NodedevVpdField ***list, guint *n, char index, const char *text)
{
    if (*n >= MAX_FIELDS)
        return;
    NodedevVpdField *field = xml_struct_new(&NODEDEV_VPD_FIELD_DESC);
    field->index = g_strdup_printf("%c", index);
    field->value = g_strdup(text);
    XML_LIST_APPEND(*list, *n, field);
}

static void take_field(NodedevVpdFields *fields, const char *key, char *text)
{
    static const struct { char key[3]; size_t at; } known[] = {
        { "EC", offsetof(NodedevVpdFields, change_level) }, { "MN", offsetof(NodedevVpdFields, manufacture_id) },
        { "PN", offsetof(NodedevVpdFields, part_number) }, { "SN", offsetof(NodedevVpdFields, serial_number) },
        { "YA", offsetof(NodedevVpdFields, asset_tag) },
    };
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        char **place = (char **) ((char *) fields + known[i].at);
        if (strncmp(known[i].key, key, 2) != 0)
            continue;
        g_free(*place);
        *place = g_strdup(text);
        return;
    }
    if (key[0] == 'V' && g_ascii_isalnum(key[1]))
        add_field(&fields->vendor_fields, &fields->n_vendor_fields, key[1], text);
    else if (key[0] == 'Y' && g_ascii_isalnum(key[1]))
        add_field(&fields->system_fields, &fields->n_system_fields, key[1], text);
}

/* The fields from @at to @end of @data; NULL: broken. The sum of all bytes up to the first of RV, which must be there, is 0. */
static NodedevVpdFields *read_fields(const guint8 *data, size_t at, size_t end, NodedevVpdAccess access)
{
    NodedevVpdFields *fields = xml_struct_new(&NODEDEV_VPD_FIELDS_DESC);
    gboolean sound = access == NODEDEV_VPD_ACCESS_READWRITE;
    fields->access = access;
    for (size_t len; at + 3 <= end; at += 3 + len) {
        const char *key = (const char *) data + at;
        len = data[at + 2];
        if (at + 3 + len > end)
            break;
        if (strncmp(key, "RV", 2) == 0 && len >= 1) {
            guint8 sum = 0;
            for (size_t i = 0; i <= at + 3; i++)
                sum = (guint8) (sum + data[i]);
            sound = sum == 0;
            break;
        }
        g_autofree char *text = field_text(data + at + 3, len);
        if (text)
            take_field(fields, key, text);
    }
    if (sound)
        return fields;
    xml_struct_free(&NODEDEV_VPD_FIELDS_DESC, fields);
    return NULL;
}

NodedevPciSubcap *pci_config_vpd(const guint8 *data, size_t len)
{
    NodedevPciSubcap *vpd = xml_struct_new(&NODEDEV_PCI_SUBCAP_DESC);
    size_t at = 0;
    vpd->type = NODEDEV_PCI_SUBCAP_TYPE_VPD;
    while (at + 3 <= len && data[at] != TAG_END && data[at] & 0x80) {
        size_t begin = at + 3, end = begin + word(data + at + 1);
        if (end > len)
            break;
        NodedevVpdFields *fields = NULL;
        if (data[at] == TAG_NAME && !vpd->name)
            vpd->name = field_text(data + begin, end - begin);
        else if (data[at] == TAG_READONLY)
            fields = read_fields(data, begin, end, NODEDEV_VPD_ACCESS_READONLY);
        else if (data[at] == TAG_READWRITE)
            fields = read_fields(data, begin, end, NODEDEV_VPD_ACCESS_READWRITE);
        if (data[at] == TAG_READONLY && !fields)
            break; /* the sum is wrong: nothing of it can be believed */
        if (fields)
            XML_LIST_APPEND(vpd->vpd_fields, vpd->n_vpd_fields, fields);
        at = end;
        if (vpd->n_vpd_fields == 2)
            break;
    }
    if (vpd->n_vpd_fields)
        return vpd;
    xml_struct_free(&NODEDEV_PCI_SUBCAP_DESC, vpd);
    return NULL;
}
