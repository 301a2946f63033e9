/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: disks and interfaces made from options and plugged in. */
#include <string.h>
#include <sys/stat.h>

#include "tools/virsh/virsh.h"

/* Adds NAME='VALUE' to a tag that isn't closed yet; nothing if there is no value. */
static void attribute(GString *xml, const char *name, const char *value)
{
    g_autofree char *text = value ? g_markup_printf_escaped(" %s='%s'", name, value) : NULL;

    if (text)
        g_string_append(xml, text);
}

/* An element that holds no more than one attribute, or its text. */
static void element(GString *xml, const char *format, const char *value)
{
    if (value)
        virsh_xml_line(xml, 1, format, value);
}

/* All of these options; false if one is empty where it must not be. */
static bool texts(Shell *shell, const Cmd *cmd, const char *const *options, const char **values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cmd_string(shell, cmd, options[i], &values[i]) < 0)
            return false;
    }
    return true;
}

/* Plugs it in, or prints it. */
static bool plug(Shell *shell, const Cmd *cmd, const char *xml, const char *what)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *lower = g_ascii_strdown(what, -1);
    int flags;

    if (cmd_has(cmd, "print-xml")) {
        shell_print(shell, "%s", xml);
        return true;
    }
    domain = virsh_domain(shell, cmd);
    flags = domain ? virsh_affect_persistent(shell, cmd, domain) : -1;
    if (flags < 0)
        return false;
    if ((flags || cmd_has(cmd, "current") ? virDomainAttachDeviceFlags(domain, xml, flags)
                                          : virDomainAttachDevice(domain, xml)) < 0)
        return shell_error(shell, "Failed to attach %s", lower);
    shell_print_extra(shell, "%s attached successfully\n", what);
    return true;
}

/* The domain isn't looked up for --print-xml, but options that exclude each other are told anyway. */
static bool plug_options(Shell *shell, const Cmd *cmd)
{
    return cmd_exclusive(shell, cmd, "persistent", "current") && virsh_affect(shell, cmd) >= 0;
}

/* --- attach-disk: the address --- */

typedef struct {
    const char *kind;
    int numbers, base;
    const char *format, *targets; /* targets that it is for; others take any */
} Address;

static const Address addresses[] = {
    {"pci", 4, 16, "  <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'", "vd"},
    {"ccw", 3, 16, "  <address type='ccw' cssid='0x%02x' ssid='0x%x' devno='0x%04x'", "vd"},
    {"scsi", 3, 10, "  <address type='drive' controller='%u' bus='%u' unit='%u'", "sd"},
    {"sata", 3, 10, "  <address type='drive' controller='%u' bus='%u' unit='%u'", "sd"},
    {"usb", 2, 10, "  <address type='usb' bus='%u' port='%u'", "sd"},
    {"ide", 3, 10, "  <address type='drive' controller='%u' bus='%u' unit='%u'", "hd"},
};

/* Numbers with one character between them. */
static bool address_numbers(const char *text, const Address *address, unsigned int *numbers)
{
    for (int i = 0; i < address->numbers; i++) {
        char *end = NULL;
        guint64 value;

        if (!(address->base == 16 ? g_ascii_isxdigit(*text) : g_ascii_isdigit(*text)))
            return false;
        value = g_ascii_strtoull(text, &end, address->base);
        if (value > G_MAXUINT || (i + 1 < address->numbers && (!*end || g_ascii_isalpha(*end))))
            return false;
        numbers[i] = value;
        text = *end ? end + 1 : end;
    }
    return true;
}

static const Address *find_address(const char *text, unsigned int *numbers)
{
    const char *colon = strchr(text, ':');

    for (size_t i = 0; colon && i < G_N_ELEMENTS(addresses); i++) {
        const Address *address = &addresses[i];

        if (strlen(address->kind) == (size_t)(colon - text) && g_str_has_prefix(text, address->kind))
            return address_numbers(colon + 1, address, numbers) ? address : NULL;
    }
    return NULL;
}

static bool add_address(Shell *shell, const Cmd *cmd, GString *xml, const char *target, const char *text)
{
    static const struct {
        const char *targets, *kinds;
    } expected[] = {{"vd", "a pci:0000.00.00.00 or ccw:00.0.0000"},
                    {"sd", "a scsi:00.00.00 or usb:00.00 or sata:00.00.00"},
                    {"hd", "an ide:00.00.00"}};
    unsigned int numbers[4] = {0};
    const Address *address = find_address(text, numbers);

    if (!address)
        return shell_error(shell, "Invalid address.");
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        if (g_str_has_prefix(target, expected[i].targets) && !g_str_equal(address->targets, expected[i].targets))
            return shell_error(shell, "expecting %s address.", expected[i].kinds);
    }
    g_string_append_printf(xml, address->format, numbers[0], numbers[1], numbers[2], numbers[3]);
    if (g_str_equal(address->kind, "pci") && cmd_has(cmd, "multifunction"))
        attribute(xml, "multifunction", "on");
    g_string_append(xml, "/>\n");
    return true;
}

/* --- attach-disk --- */

enum { D_SOURCE, D_TARGET, D_BUS, D_DRIVER, D_SUBDRIVER, D_IOTHREAD, D_CACHE, D_IO, D_TYPE, D_MODE, D_SOURCETYPE,
       D_SERIAL, D_WWN, D_ALIAS, D_ADDRESS, D_PROTOCOL, D_HOST, D_TRANSPORT, D_SOCKET, D_GROUPS, D_COUNT };

static const char *const disk_options[D_COUNT] = {
    "source", "target", "targetbus", "driver", "subdriver", "iothread", "cache", "io", "type", "mode", "sourcetype",
    "serial", "wwn", "alias", "address", "source-protocol", "source-host-name", "source-host-transport",
    "source-host-socket", "throttle-groups",
};

/* "file", "block" or "network"; NULL after an error printed. */
static const char *source_type(Shell *shell, const char *const *values)
{
    const char *type = values[D_SOURCETYPE];
    struct stat st;

    if (!type && values[D_PROTOCOL])
        type = "network";
    else if (!type)
        type = values[D_SOURCE] && stat(values[D_SOURCE], &st) == 0 && S_ISBLK(st.st_mode) ? "block" : "file";
    if (!g_str_equal(type, "file") && !g_str_equal(type, "block") && !g_str_equal(type, "network")) {
        shell_error(shell, "Unknown source type: '%s'", type);
        return NULL;
    }
    if (g_str_equal(type, "network") == (values[D_PROTOCOL] != NULL))
        return type;
    shell_error(shell, "--source-protocol option requires --sourcetype network");
    return NULL;
}

static bool disk_options_fit(Shell *shell, const char *const *values)
{
    for (int i = D_HOST; i <= D_SOCKET; i++) {
        if (values[i] && !values[D_PROTOCOL])
            return shell_error(shell, "Option --source-protocol is required by option --%s", disk_options[i]);
    }
    if (values[D_SOCKET] && !values[D_TRANSPORT])
        return shell_error(shell, "Option --source-host-transport is required by option --source-host-socket");
    if (values[D_MODE] && !g_str_equal(values[D_MODE], "readonly") && !g_str_equal(values[D_MODE], "shareable"))
        return shell_error(shell, "No support for %s in command 'attach-disk'", values[D_MODE]);
    return true;
}

static void add_network_source(GString *xml, const char *const *values)
{
    const char *host = values[D_HOST], *colon = host ? strchr(host, ':') : NULL;
    g_autofree char *name = colon ? g_strndup(host, colon - host) : g_strdup(host);

    g_string_append(xml, "  <source");
    attribute(xml, "protocol", values[D_PROTOCOL]);
    attribute(xml, "name", values[D_SOURCE]);
    if (!host && !values[D_SOCKET] && !values[D_TRANSPORT]) {
        g_string_append(xml, "/>\n");
        return;
    }
    g_string_append(xml, ">\n    <host");
    attribute(xml, "transport", values[D_TRANSPORT]);
    attribute(xml, "socket", values[D_SOCKET]);
    attribute(xml, "name", name);
    attribute(xml, "port", colon ? colon + 1 : NULL);
    g_string_append(xml, "/>\n  </source>\n");
}

static void add_throttle_groups(GString *xml, const char *names)
{
    g_auto(GStrv) words = names ? virsh_list(names) : NULL;

    if (!words)
        return;
    virsh_xml_line(xml, 1, "<throttlefilters>");
    for (char **word = words; *word; word++)
        virsh_xml_line(xml, 2, "<throttlefilter group='%s'/>", *word);
    virsh_xml_line(xml, 1, "</throttlefilters>");
}

static void add_driver(GString *xml, const char *const *values)
{
    static const struct {
        const char *name;
        int option;
    } attributes[] = {
        {"name", D_DRIVER}, {"type", D_SUBDRIVER}, {"iothread", D_IOTHREAD}, {"cache", D_CACHE}, {"io", D_IO}};
    g_autoptr(GString) made = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        attribute(made, attributes[i].name, values[attributes[i].option]);
    if (made->len)
        g_string_append_printf(xml, "  <driver%s/>\n", made->str);
}

static bool disk_xml(Shell *shell, const Cmd *cmd, GString *xml, const char *const *values)
{
    const char *type = source_type(shell, values);

    if (!type || !disk_options_fit(shell, values))
        return false;
    g_string_append(xml, "<disk");
    attribute(xml, "type", type);
    attribute(xml, "device", values[D_TYPE]);
    attribute(xml, "rawio", cmd_has(cmd, "rawio") ? "yes" : NULL);
    g_string_append(xml, ">\n");
    add_driver(xml, values);
    if (g_str_equal(type, "network"))
        add_network_source(xml, values);
    else
        element(xml, g_str_equal(type, "block") ? "<source dev='%s'/>" : "<source file='%s'/>", values[D_SOURCE]);
    g_string_append(xml, "  <target");
    attribute(xml, "dev", values[D_TARGET]);
    attribute(xml, "bus", values[D_BUS]);
    g_string_append(xml, "/>\n");
    add_throttle_groups(xml, values[D_GROUPS]);
    if (values[D_MODE])
        g_string_append_printf(xml, "  <%s/>\n", values[D_MODE]);
    element(xml, "<serial>%s</serial>", values[D_SERIAL]);
    element(xml, "<alias name='%s'/>", values[D_ALIAS]);
    element(xml, "<wwn>%s</wwn>", values[D_WWN]);
    if (values[D_ADDRESS] && !add_address(shell, cmd, xml, values[D_TARGET], values[D_ADDRESS]))
        return false;
    g_string_append(xml, "</disk>\n");
    return true;
}

bool cmd_attach_disk(Shell *shell, const Cmd *cmd)
{
    const char *values[D_COUNT] = {NULL};
    g_autoptr(GString) xml = g_string_new(NULL);

    return plug_options(shell, cmd) && texts(shell, cmd, disk_options, values, D_COUNT) &&
           disk_xml(shell, cmd, xml, values) && plug(shell, cmd, xml->str, "Disk");
}

/* --- attach-interface --- */

enum { I_TYPE, I_SOURCE, I_TARGET, I_MAC, I_SCRIPT, I_MODEL, I_ALIAS, I_MODE, I_COUNT };

static const char *const interface_options[I_COUNT] = {"type",  "source", "target", "mac",
                                                       "script", "model", "alias",  "source-mode"};

static bool add_interface_source(Shell *shell, GString *xml, const char *const *values)
{
    static const Address pci = {"pci", 4, 16, NULL, NULL};
    static const char *const modes[] = {"bridge", "private", "vepa", "passthrough", NULL};
    const char *type = values[I_TYPE];
    unsigned int numbers[4];

    if (g_str_equal(type, "hostdev")) {
        if (!address_numbers(values[I_SOURCE], &pci, numbers))
            return shell_error(shell, "cannot parse pci address '%s' for network interface", values[I_SOURCE]);
        g_string_append_printf(xml, "  <source>\n    <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' "
                                    "function='0x%x'/>\n  </source>\n", numbers[0], numbers[1], numbers[2], numbers[3]);
        return true;
    }
    if (values[I_MODE] && (!g_str_equal(type, "direct") || !g_strv_contains(modes, values[I_MODE])))
        return shell_error(shell, "Invalid source mode: %s", values[I_MODE]);
    g_string_append(xml, "  <source");
    attribute(xml, g_str_equal(type, "direct") ? "dev" : type, values[I_SOURCE]);
    attribute(xml, "mode", values[I_MODE]);
    g_string_append(xml, "/>\n");
    return true;
}

static void add_rate(GString *xml, const char *direction, const VirshRate *rate)
{
    const struct {
        const char *name;
        unsigned int value;
    } parts[] = {{"average", rate->average}, {"peak", rate->peak}, {"burst", rate->burst}, {"floor", rate->floor}};

    g_string_append_printf(xml, "    <%s", direction);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i].value)
            g_string_append_printf(xml, " %s='%u'", parts[i].name, parts[i].value);
    }
    g_string_append(xml, "/>\n");
}

static bool add_bandwidth(Shell *shell, const Cmd *cmd, GString *xml)
{
    VirshRate in = {0}, out = {0};
    int has_in = virsh_rate(shell, cmd, "inbound", false, &in);
    int has_out = has_in < 0 ? -1 : virsh_rate(shell, cmd, "outbound", false, &out);

    if (has_out < 0)
        return false;
    if (!has_in && !has_out)
        return true;
    g_string_append(xml, "  <bandwidth>\n");
    if (has_in)
        add_rate(xml, "inbound", &in);
    if (has_out)
        add_rate(xml, "outbound", &out);
    g_string_append(xml, "  </bandwidth>\n");
    return true;
}

bool cmd_attach_interface(Shell *shell, const Cmd *cmd)
{
    static const char *const types[] = {"network", "bridge", "direct", "hostdev", NULL};
    static const char *const elements[I_COUNT] = {
        [I_TARGET] = "<target dev='%s'/>", [I_MAC] = "<mac address='%s'/>", [I_SCRIPT] = "<script path='%s'/>",
        [I_MODEL] = "<model type='%s'/>",  [I_ALIAS] = "<alias name='%s'/>"};
    const char *values[I_COUNT] = {NULL};
    g_autoptr(GString) xml = g_string_new("<interface");

    if (!plug_options(shell, cmd) || !texts(shell, cmd, interface_options, values, I_COUNT))
        return false;
    if (!g_strv_contains(types, values[I_TYPE]))
        return shell_error(shell, "No support for %s in command 'attach-interface'", values[I_TYPE]);
    attribute(xml, "type", values[I_TYPE]);
    attribute(xml, "managed", cmd_has(cmd, "managed") ? "yes" : NULL);
    g_string_append(xml, ">\n");
    if (!add_interface_source(shell, xml, values))
        return false;
    for (int i = I_TARGET; i <= I_ALIAS; i++)
        element(xml, elements[i], values[i]);
    if (!add_bandwidth(shell, cmd, xml))
        return false;
    g_string_append(xml, "</interface>\n");
    return plug(shell, cmd, xml->str, "Interface");
}
