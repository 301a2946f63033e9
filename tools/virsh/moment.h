/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What snapshots and checkpoints have in common: both are moments in the life of a domain, and form a tree. */
#pragma once

#include "tools/virsh/virsh.h"

/* One of the two kinds. The functions take and return pointers of its type. */
typedef struct {
    const char *what; /* "snapshot" */
    const char *root; /* name of its XML element */
    int none;         /* the error where there is no parent */
    unsigned int descendants; /* the flag that lists all of them */
    bool state;       /* it tells the state that the domain had */
    const char *(*name)(void *moment);
    char *(*xml)(void *moment, unsigned int flags);
    void *(*parent)(void *moment);
    void *(*create)(virDomainPtr domain, const char *xml, unsigned int flags);
    int (*list)(virDomainPtr domain, void ***moments, unsigned int flags);
    int (*children)(void *moment, void ***moments, unsigned int flags);
    int (*free)(void *moment);
} MomentKind;

/* The functions of a kind, MOMENT_CALLS being their list: virDomain`Type`GetName() and so on. */
#define MOMENT_FUNCTIONS(Type) \
    static const char *get_name(void *moment) { return virDomain##Type##GetName(moment); } \
    static char *get_xml(void *moment, unsigned int flags) { return virDomain##Type##GetXMLDesc(moment, flags); } \
    static void *get_parent(void *moment) { return virDomain##Type##GetParent(moment, 0); } \
    static void *create(virDomainPtr domain, const char *xml, unsigned int flags) \
    { \
        return virDomain##Type##CreateXML(domain, xml, flags); \
    } \
    static int list(virDomainPtr domain, void ***moments, unsigned int flags) \
    { \
        return virDomainListAll##Type##s(domain, (virDomain##Type##Ptr **)moments, flags); \
    } \
    static int list_children(void *moment, void ***moments, unsigned int flags) \
    { \
        return virDomain##Type##ListAllChildren(moment, (virDomain##Type##Ptr **)moments, flags); \
    } \
    static int free_one(void *moment) { return virDomain##Type##Free(moment); }
#define MOMENT_CALLS get_name, get_xml, get_parent, create, list, list_children, free_one

/* The options of KIND-list, from `from` (NULL: of the whole domain). */
bool moment_list(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, void *from);
/* The name alone. Returns true. */
bool moment_print_name(Shell *shell, const Cmd *cmd, const char *name);
bool moment_print_parent(Shell *shell, const Cmd *cmd, const MomentKind *kind, void *moment);
/* Parent and numbers of children and descendants as fields of an info command; false: an error is pending. */
bool moment_family(const MomentKind *kind, void *moment, VirshRecord *record);
/* The XML of --xmlfile, or an empty element. NULL after an error printed. */
char *moment_file(Shell *shell, const Cmd *cmd, const MomentKind *kind);
/* Creates it and says so. */
bool moment_create(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, const char *xml,
                   const char *file);
/* Begins the XML that KIND-create-as builds: name and description. False after an error printed. */
bool moment_begin_xml(Shell *shell, const Cmd *cmd, const MomentKind *kind, GString *xml);
/* Adds the XML of one --diskspec; false after an error printed. */
typedef bool (*MomentDisk)(Shell *shell, GString *xml, const char *spec);
/* Ends that XML with what --diskspec says; creates the moment, or prints the XML. */
bool moment_create_as(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, GString *xml,
                      MomentDisk disk);
/* The `n` values (NULL: not given) by `keys` of the words behind a --diskspec's name; false after an error printed. */
bool moment_disk_values(Shell *shell, char **words, const char *const *keys, const char **values, size_t n,
                        const char *spec);
/* Words of a specification as NAME,KEY=VALUE...; a comma in a value is doubled. */
char **moment_spec(const char *text);
/* The value if `word` is KEY=VALUE, or NULL. */
const char *moment_spec_value(const char *word, const char *key);
