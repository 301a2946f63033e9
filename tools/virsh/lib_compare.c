/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What would a file change? It is compared with the definition that its object has now, as trees: the order of elements
 * with different names, blanks and units of sizes mean nothing. There is no call that tells what a driver would make of
 * a file, so what the file leaves to it isn't counted: missing attributes, and elements that drivers add by themselves.
 */
#include <string.h>

#include "tools/virsh/virsh.h"

typedef struct {
    char sign; /* + only in the file, - only in the definition, ~ different */
    char *text;
} Change;

static void change_clear(gpointer data)
{
    g_free(((Change *)data)->text);
}

/* Elements that a definition has though nobody asked for them. */
static const char *const added_by_drivers[] = {
    "uuid", "address", "alias", "controller", "memballoon", "currentMemory", "emulator", "on_poweroff", "on_reboot",
    "on_crash", "clock", "input", "audio", "video", "watchdog", "mac", "target", "driver", "model", "listen", "resource",
    "seclabel", "backingStore", "capacity", "allocation", "available", "permissions", "timestamps", "key", "path",
    "format", "boot", "vcpu", "devices", "os", "bridge", "iothreadids", "readonly", "protocol", "usage", "cpu", NULL,
};

static void add(GArray *changes, char sign, const char *path, const char *format, ...) G_GNUC_PRINTF(4, 5);

static void add(GArray *changes, char sign, const char *path, const char *format, ...)
{
    g_autofree char *text = NULL;
    Change change = {.sign = sign};
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    change.text = g_strconcat(path, text, NULL);
    g_array_append_val(changes, change);
}

static bool named(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && g_str_equal((const char *)node->name, name);
}

static char *attribute_of(xmlNodePtr node, const char *name)
{
    xmlChar *value = xmlGetProp(node, (const xmlChar *)name);
    char *copy = g_strdup((const char *)value);

    xmlFree(value);
    return copy;
}

/* The text between the children. */
static char *text_of(xmlNodePtr node)
{
    GString *text = g_string_new(NULL);

    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
            g_string_append(text, (const char *)child->content);
    }
    return g_strstrip(g_string_free(text, FALSE));
}

/* Whether the text is a size, in bytes then. Memory counts in KiB, everything else in bytes. */
static bool size_of(xmlNodePtr node, unsigned long long *bytes)
{
    static const char *const kib[] = {"memory", "currentMemory", "maxMemory", "hard_limit", "soft_limit", "min_guarantee",
                                      "swap_hard_limit", NULL};
    g_autofree char *text = text_of(node), *unit = attribute_of(node, "unit");
    g_autofree char *whole = unit ? g_strconcat(text, unit, NULL) : g_strdup(text);
    bool memory = g_strv_contains(kib, (const char *)node->name);

    return (unit || memory) && shell_parse_size(whole, memory ? 1024 : 1, G_MAXUINT64, bytes);
}

/* What tells an element of a list from its neighbours, or NULL. */
static char *identity(xmlNodePtr node)
{
    static const char *const places[] = {"string(target/@dev)", "string(mac/@address)", "string(alias/@name)",
                                         "string(@name)", "string(@mac)", "string(@address)", "string(@id)", "string(@ip)"};

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *text = virsh_xpath_string(node->doc, node, places[i]);

        if (text && *text)
            return g_steal_pointer(&text);
    }
    return NULL;
}

static void compare_attributes(GArray *changes, xmlNodePtr file, xmlNodePtr now, const char *path)
{
    unsigned long long bytes;
    bool size = size_of(file, &bytes);

    for (xmlAttrPtr attr = file->properties; attr; attr = attr->next) {
        const char *name = (const char *)attr->name;
        g_autofree char *wanted = attribute_of(file, name), *old = attribute_of(now, name);

        if ((size && g_str_equal(name, "unit")) || (g_str_equal(name, "id") && file == xmlDocGetRootElement(file->doc)))
            continue; /* the id is a running domain's */
        if (!old)
            add(changes, '+', path, "@%s: %s", name, wanted);
        else if (g_ascii_strcasecmp(old, wanted) != 0)
            add(changes, '~', path, "@%s: %s -> %s", name, old, wanted);
    }
}

static void compare_text(GArray *changes, xmlNodePtr file, xmlNodePtr now, const char *path)
{
    g_autofree char *wanted = text_of(file), *old = text_of(now);
    unsigned long long wanted_bytes, old_bytes;

    if (size_of(file, &wanted_bytes) && size_of(now, &old_bytes)) {
        if (wanted_bytes != old_bytes)
            add(changes, '~', path, ": %llu bytes -> %llu bytes", old_bytes, wanted_bytes);
    } else if (!g_str_equal(wanted, old)) {
        add(changes, '~', path, ": %s -> %s", old, wanted);
    }
}

/* The element of `now` that is meant by `file`, among those that aren't in `used`. */
static xmlNodePtr counterpart(xmlNodePtr file, xmlNodePtr now, GHashTable *used)
{
    g_autofree char *wanted = identity(file);
    xmlNodePtr nameless = NULL;

    for (xmlNodePtr child = now->children; child; child = child->next) {
        g_autofree char *key = NULL;

        if (!named(child, (const char *)file->name) || g_hash_table_contains(used, child))
            continue;
        key = identity(child);
        if (wanted && key && g_ascii_strcasecmp(wanted, key) == 0)
            return child;
        if (!nameless && (!wanted || !key))
            nameless = child;
    }
    return nameless;
}

static char *path_of(const char *parent, xmlNodePtr node)
{
    g_autofree char *key = identity(node);

    return key ? g_strdup_printf("%s.%s[%s]", parent, (const char *)node->name, key)
               : g_strdup_printf("%s.%s", parent, (const char *)node->name);
}

/* Documents are no deeper than the parser allows. */
static void compare_nodes(GArray *changes, xmlNodePtr file, xmlNodePtr now, const char *path)
{
    g_autoptr(GHashTable) used = g_hash_table_new(NULL, NULL);

    compare_attributes(changes, file, now, path);
    compare_text(changes, file, now, path);
    for (xmlNodePtr child = file->children; child; child = child->next) {
        xmlNodePtr other;
        g_autofree char *below = NULL;

        if (child->type != XML_ELEMENT_NODE)
            continue;
        below = path_of(path, child);
        other = counterpart(child, now, used);
        if (!other) {
            add(changes, '+', below, "%s", "");
            continue;
        }
        g_hash_table_add(used, other);
        compare_nodes(changes, child, other, below);
    }
    for (xmlNodePtr child = now->children; child; child = child->next) {
        g_autofree char *below = NULL;

        if (child->type != XML_ELEMENT_NODE || g_hash_table_contains(used, child) ||
            (!child->children && !child->properties) ||
            g_strv_contains(added_by_drivers, (const char *)child->name))
            continue;
        below = path_of(path, child);
        add(changes, '-', below, "%s", "");
    }
}

/* --- the definition now --- */

/* NULL without an error: there is none. */
static char *xml_now(Shell *shell, const char *root, const char *name, const char *uuid)
{
    virConnectPtr conn = virsh_conn(shell);
    char *xml = NULL;

    if (g_str_equal(root, "domain")) {
        g_autoptr(virDomain) domain = name ? virDomainLookupByName(conn, name) : NULL;
        xml = domain ? virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE) : NULL;
    } else if (g_str_equal(root, "network")) {
        g_autoptr(virNetwork) network = name ? virNetworkLookupByName(conn, name) : NULL;
        xml = network ? virNetworkGetXMLDesc(network, VIR_NETWORK_XML_INACTIVE) : NULL;
    } else if (g_str_equal(root, "pool")) {
        g_autoptr(virStoragePool) pool = name ? virStoragePoolLookupByName(conn, name) : NULL;
        xml = pool ? virStoragePoolGetXMLDesc(pool, VIR_STORAGE_XML_INACTIVE) : NULL;
    } else if (g_str_equal(root, "interface")) {
        g_autoptr(virInterface) interface = name ? virInterfaceLookupByName(conn, name) : NULL;
        xml = interface ? virInterfaceGetXMLDesc(interface, VIR_INTERFACE_XML_INACTIVE) : NULL;
    } else if (g_str_equal(root, "filter")) {
        g_autoptr(virNWFilter) filter = name ? virNWFilterLookupByName(conn, name) : NULL;
        xml = filter ? virNWFilterGetXMLDesc(filter, 0) : NULL;
    } else if (g_str_equal(root, "device")) {
        g_autoptr(virNodeDevice) device = name ? virNodeDeviceLookupByName(conn, name) : NULL;
        xml = device ? virNodeDeviceGetXMLDesc(device, 0) : NULL;
    } else if (g_str_equal(root, "secret")) {
        g_autoptr(virSecret) secret = uuid ? virSecretLookupByUUIDString(conn, uuid) : NULL;
        xml = secret ? virSecretGetXMLDesc(secret, 0) : NULL;
    }
    return xml;
}

/* Whether the pending error says no more than that there is no such object. */
static bool is_missing(void)
{
    static const int codes[] = {VIR_ERR_OK, VIR_ERR_NO_DOMAIN, VIR_ERR_NO_NETWORK, VIR_ERR_NO_STORAGE_POOL,
                                VIR_ERR_NO_INTERFACE, VIR_ERR_NO_NWFILTER, VIR_ERR_NO_NODE_DEVICE, VIR_ERR_NO_SECRET};

    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (client_error_code() == codes[i])
            return true;
    }
    return false;
}

bool virsh_compare(Shell *shell, const Cmd *cmd, const char *xml)
{
    g_autoptr(xmlDoc) file = xmlReadMemory(xml, strlen(xml), cmd_get(cmd, "file"), NULL,
                                           XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNodePtr root = file ? xmlDocGetRootElement(file) : NULL;
    g_autofree char *name = NULL, *uuid = NULL, *now = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(Change));

    if (!root)
        return shell_error(shell, "file '%s' isn't well-formed XML", cmd_get(cmd, "file"));
    name = virsh_xpath_string(file, NULL, "name | @name");
    uuid = virsh_xpath_string(file, NULL, "uuid");
    now = xml_now(shell, (const char *)root->name, name, uuid);
    if (!now && !is_missing())
        return false;
    client_error_forget();
    g_array_set_clear_func(changes, change_clear);
    if (!now)
        add(changes, '+', (const char *)root->name, ": there is no such object yet");
    doc = now ? virsh_parse_xml(shell, now) : NULL;
    if (now && !doc)
        return false;
    if (doc)
        compare_nodes(changes, root, xmlDocGetRootElement(doc), (const char *)root->name);
    for (guint i = 0; cmd_has(cmd, "diff") && i < changes->len; i++)
        shell_print(shell, "%c %s\n", g_array_index(changes, Change, i).sign, g_array_index(changes, Change, i).text);
    if (!cmd_has(cmd, "diff"))
        shell_print_extra(shell, changes->len ? "%s would change something\n" : "%s would change nothing\n",
                          cmd_get(cmd, "file"));
    return cmd_has(cmd, "diff") || !changes->len;
}
