/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "domain/persist.h"
#include "base/error.h"
#include "base/file.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A comment can't hold two hyphens in a row; a name that has them goes without a hint. */
static const char *name_for_comment(const char *name)
{
    return strstr(name, "--") || g_str_has_suffix(name, "-") ? "NAME" : name;
}

/* Every byte of the name that could end or upset a comment is escaped. */
static void append_replaces(GString *text, const char *name)
{
    g_string_append(text, PERSIST_REPLACES);
    for (const char *c = name; *c; c++)
        g_string_append_printf(text, g_ascii_isalnum(*c) ? "%c" : "%%%02X", (unsigned char) *c);
    g_string_append(text, " -->\n");
}

static int write_definition(DomainHost *host, const char *name, SharedDef *def, const char *replaces)
{
    g_autofree char *path = persist_path(host_paths(host)->config, name, "xml");
    g_autoptr(GString) text = g_string_sized_new(4096);
    g_string_append_printf(text, "<!-- Written by the daemon, which overwrites it. To change it: virsh edit %s -->\n",
                           name_for_comment(name));
    if (replaces)
        append_replaces(text, replaces);
    g_string_append(text, shared_def_xml(def, XML_INACTIVE | XML_SECURE));
    return file_replace(path, text->str, text->len, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
}

int persist_write(DomainHost *host, const char *name, SharedDef *def)
{
    return write_definition(host, name, def, NULL);
}

int persist_write_renamed(DomainHost *host, const char *name, SharedDef *def, const char *old)
{
    return write_definition(host, name, def, old);
}

static int set_link(DomainHost *host, const char *name, const char *suffix, gboolean on)
{
    const HostPaths *paths = host_paths(host);
    g_autofree char *target = persist_path(paths->config, name, "xml");
    g_autofree char *link = persist_path(paths->autostart, name, suffix);
    if (!on)
        return file_remove_sync(link);
    if (symlink(target, link) < 0 && errno != EEXIST)
        return FAIL_ERRNO(errno, "cannot create link '%s' to '%s'", link, target);
    return file_sync_dir(paths->autostart);
}

int persist_set_autostart(DomainHost *host, const char *name, gboolean on)
{
    return set_link(host, name, "xml", on);
}

int persist_set_autostart_once(DomainHost *host, const char *name, gboolean on)
{
    return set_link(host, name, "xml.once", on);
}

int persist_remove(DomainHost *host, const char *name)
{
    g_autofree char *path = persist_path(host_paths(host)->config, name, "xml");
    if (persist_set_autostart(host, name, FALSE) < 0 || persist_set_autostart_once(host, name, FALSE) < 0)
        return -1;
    return file_remove_sync(path);
}

SharedDef *persist_read(DomainHost *host, const char *name, const unsigned char *uuid)
{
    g_autofree char *path = persist_path(host_paths(host)->config, name, "xml");
    gsize len;
    g_autofree char *text = file_read(path, PERSIST_MAX_FILE, &len);
    if (!text) {
        error_context("cannot load the definition of domain '%s'", name);
        return NULL;
    }
    g_autoptr(DomainDef) def = domain_def_parse(text, len, XML_INACTIVE, NULL);
    if (!def) {
        error_context("cannot use the definition of domain '%s' in '%s'", name, path);
        return NULL;
    }
    if (strcmp(def->name, name) != 0 || !def->has_uuid || memcmp(def->uuid, uuid, VIR_UUID_BUFLEN) != 0)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "'%s' is not the definition of domain '%s': its name or UUID was changed",
                         path, name);
    return shared_def_new(g_steal_pointer(&def));
}

gboolean persist_has_managed_save(DomainHost *host, const char *name)
{
    if (!host_paths(host))
        return FALSE;
    g_autofree char *path = persist_path(host_paths(host)->save, name, "save");
    return access(path, F_OK) == 0;
}

int persist_remove_managed_save(DomainHost *host, const char *name)
{
    g_autofree char *path = persist_path(host_paths(host)->save, name, "save");
    return file_remove_sync(path);
}
