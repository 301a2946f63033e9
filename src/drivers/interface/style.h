/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a host keeps what its interfaces are to be: the styles of ifupdown, systemd-networkd, NetworkManager and netplan. Each is a
 * pair of functions without I/O, definition to files and files to definitions. What belongs to us are files whose first line
 * says so; those of the administrator are read only.
 */
#pragma once
#include "model/interface.h"

/** A file of a style. */
typedef struct StyleFile {
    char *path;     /**< below the root, "/etc/network/interfaces.d/x" */
    char *text;
    guint mode;     /**< permissions of a new one */
} StyleFile;
StyleFile *style_file_new(char *path, char *text, guint mode);
void style_file_free(StyleFile *file);

/** What files say about one interface. */
typedef struct StyleEntry {
    HostInterfaceDef *def;
    char *path;     /**< the file that defines it */
} StyleEntry;
void style_entry_free(StyleEntry *entry);

typedef struct HostStyle {
    const char *name;           /**< "ifupdown" */
    const char *const *folders; /**< where its files are, below the root */
    const char *file;           /**< one more file; NULL: none */
    const char *suffixes[3];    /**< of its files' names; "" is any */
    const char *prefix, *suffix;/**< of our files' names; the suffix "" may be another one for several files */
    gboolean dropins;           /**< a file F may be added to by files F.d/NAME.conf */
    /** Files of @def, which host_interface_complete() has seen, onto @files (of StyleFile). @there: the files that there are. -1 with
     * VIR_ERR_CONFIG_UNSUPPORTED if the style has no words for it. */
    int (*write)(const HostInterfaceDef *def, const GPtrArray *there, GPtrArray *files);
    /** What @files (of StyleFile, in the style's order) define, onto @entries (of StyleEntry). What isn't understood is passed over. */
    void (*read)(const GPtrArray *files, GPtrArray *entries);
} HostStyle;

extern const HostStyle style_ifupdown, style_networkd, style_keyfile, style_netplan;

/* For the styles themselves (style.c) */

/** "# Written by libvirt for NAME …": first line of each of our files. */
char *style_head(const char *name);
/** The interface that a file is ours for; NULL (caller frees): it is not ours. */
char *style_owner(const char *text);
/** @name as part of a file's name: letters, digits, "-" and "_" stay, others become "_XX". */
char *style_file_name(const char *prefix, const char *name, const char *suffix);

/** The definition of that name among @entries, a new one with @path if there is none; belongs to @entries. */
HostInterfaceDef *style_entry(GPtrArray *entries, const char *name, const char *path);

/** Protocol of a family in @def; NULL if it has none. */
HostInterfaceProtocol *style_protocol(const HostInterfaceDef *def, IpFamily family);
/** The same, made if need be. */
HostInterfaceProtocol *style_protocol_make(HostInterfaceDef *def, IpFamily family);
/** Add "ADDRESS/PREFIX" or "ADDRESS" of either family; with @prefix > 128 that of the text. FALSE if it is none. */
gboolean style_add_address(HostInterfaceDef *def, const char *text, guint prefix);
/** Set the router of its family. */
gboolean style_set_gateway(HostInterfaceDef *def, const char *text);
/** "eth0 eth1", or with another separator, of what a bridge or bond is made of. */
char *style_bridge_ports(const HostBridge *bridge, const char *separator);
char *style_bond_ports(const HostBond *bond, const char *separator);
/** Add a port of which only the name is known. */
void style_add_bridge_port(HostBridge *bridge, const char *name);
void style_add_bond_port(HostBond *bond, const char *name);
HostInterfaceDef *style_def_new(const char *name);
HostBridge *style_bridge_make(HostInterfaceDef *def);
HostBond *style_bond_make(HostInterfaceDef *def);
HostVlan *style_vlan_make(HostInterfaceDef *def);
/** The definition of what a port of a bridge is made of, for styles where each device has a definition of its own; NULL: it is a
 * mere device. Caller owns it. */
HostInterfaceDef *style_port_def(const HostBridgePort *port);
/** Once all is read: what bridges are made of is shown in them, and what is only a part of another definition of ours isn't told by
 * itself. */
void style_nest(GPtrArray *entries);
gboolean style_parse_mac(const char *text, HostInterfaceDef *def);
/** A whole number; 0 if it is none. */
guint32 style_number(const char *text);
/** yes, true, on, 1. */
gboolean style_truth(const char *text);
/** What a bond is watched by, made if need be. */
HostBondMiimon *style_miimon(HostInterfaceDef *def);
HostBondArpmon *style_arpmon(HostInterfaceDef *def);

/** The options of a bond by the names that the kernel gives them, with @separator in place of "_", in lines of the format @line (for name
 * and value); and one of them, with either separator. */
void style_write_bond_options(const HostBond *bond, GString *out, const char *line, const char *separator);
void style_read_bond_option(HostInterfaceDef *def, const char *key, const char *value);

/** A line of an .ini file, of systemd's or GLib's kind: sections may occur again, and so may keys. */
typedef struct IniLine {
    guint section;      /**< counts sections */
    char *group, *key, *value;
} IniLine;
/** Array of IniLine; caller unrefs. Comments, and what isn't understood, are left out. */
GPtrArray *ini_parse(const char *text);
/** Value of a key in any section of that name; the last one counts. NULL if there is none. */
const char *ini_get(const GPtrArray *lines, const char *group, const char *key);
