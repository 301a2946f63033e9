/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mediated devices are made, kept and started by mdevctl(8), whose definitions outlive the host's boot. We keep none of our own.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#define LOG_SOURCE "nodedev.mdev"
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/uuid.h"
#include "drivers/nodedev/nodedev_driver.h"

#define PROGRAM "mdevctl"
#define DEADLINE_MS 30000
#define MAX_OUTPUT (1024 * 1024)
#define MAX_DEVICES 4096
#define JSON_DEPTH 16

/* Run the program; @input is its standard input (may be NULL). 0, or -1 with an error that quotes what it says. */
static int run(const char *const *argv, const char *input, ProcessOutput *output)
{
    g_autofree char *program = g_find_program_in_path(PROGRAM);
    ProcessSpec spec = PROCESS_SPEC_INIT;
    spec.argv = argv;
    if (!program)
        return FAIL(VIR_ERR_NO_SUPPORT, "mediated devices need the program '%s', which is not installed", PROGRAM);
    return process_run_checked(&spec, input, input ? strlen(input) : 0, MAX_OUTPUT, DEADLINE_MS, output);
}

static int run_on(const NodedevDef *def, const char *verb, const char *option)
{
    char uuid[UUID_TEXT_SIZE];
    g_auto(ProcessOutput) output = { 0 };
    uuid_format(nodedev_mdev(def)->uuid, uuid);
    const char *const argv[] = { PROGRAM, verb, "--uuid", uuid, option, NULL };
    return run(argv, NULL, &output);
}

/* The address by which mdevctl knows the parent. */
static const char *parent_address(const NodedevDef *parent)
{
    const char *path = parent->path ? strrchr(parent->path, '/') : NULL;
    return path ? path + 1 : parent->name;
}

char *mdev_name(NodedevHost *host, const NodedevDef *def, const NodedevDef *parent)
{
    char uuid[UUID_TEXT_SIZE];
    NodedevMdev *mdev = (NodedevMdev *) nodedev_mdev(def);
    uuid_format(mdev->uuid, uuid);
    g_free(mdev->parent_addr);
    mdev->parent_addr = g_strdup(parent_address(parent));
    char *name = g_strdup_printf("mdev_%s_%s", uuid, mdev->parent_addr);
    for (char *c = name; *c; c++) {
        if (!g_ascii_isalnum(*c))
            *c = '_';
    }
    return name;
}

/* What mdevctl reads. */
static char *settings(const NodedevMdev *mdev)
{
    g_autoptr(json_object) attrs = json_object_new_array();
    for (guint i = 0; i < mdev->n_attrs; i++)
        json_object_array_add(attrs, json_make(JSON_STR(mdev->attrs[i]->name, mdev->attrs[i]->value)));
    g_autoptr(json_object) all = json_make(JSON_STR("mdev_type", mdev->type_id), JSON_STR("start", "manual"),
                                           JSON_VALUE("attrs", g_steal_pointer(&attrs)));
    return g_strdup(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
}

static int run_with_settings(const NodedevDef *def, const char *verb)
{
    const NodedevMdev *mdev = nodedev_mdev(def);
    char uuid[UUID_TEXT_SIZE];
    g_auto(ProcessOutput) output = { 0 };
    g_autofree char *text = settings(mdev);
    uuid_format(mdev->uuid, uuid);
    const char *const argv[] = { PROGRAM, verb, "--uuid", uuid, "--parent", mdev->parent_addr, "--jsonfile", "/dev/stdin", NULL };
    return run(argv, text, &output);
}

int mdev_keep(NodedevHost *host, const NodedevDef *old, const NodedevDef *config)
{
    return config ? run_with_settings(config, old ? "modify" : "define") : run_on(old, "undefine", NULL);
}

int mdev_set_autostart(NodedevHost *host, const NodedevDef *def, gboolean on)
{
    return run_on(def, "modify", on ? "--auto" : "--manual");
}

int mdev_start(NodedevHost *host, NodedevDef *def)
{
    return run_with_settings(def, "start");
}

int mdev_stop(const NodedevDef *def)
{
    return run_on(def, "stop", NULL);
}

/* ---- what mdevctl has ---- */

static void add_attrs(NodedevMdev *mdev, json_object *settings)
{
    json_object *attrs = NULL;
    if (json_find_array(settings, "attrs", &attrs) <= 0)
        return;
    for (size_t i = 0; i < json_object_array_length(attrs) && i < 256; i++) {
        json_object *one = json_object_array_get_idx(attrs, i);
        if (!json_object_is_type(one, json_type_object))
            continue;
        json_object_object_foreach(one, name, value) {
            NodedevMdevAttr *attr = xml_struct_new(&NODEDEV_MDEV_ATTR_DESC);
            attr->name = g_strdup(name);
            attr->value = g_strdup(json_object_get_string(value));
            XML_LIST_APPEND(mdev->attrs, mdev->n_attrs, attr);
        }
    }
}

static gboolean is_at(Managed *obj, const ManagedState *state, void *opaque)
{
    const NodedevDef *def = definition_get(managed_definition(state));
    return def->path && strcmp(parent_address(def), opaque) == 0;
}

static void add_definition(NodedevNode *node, const char *parent, const char *uuid, json_object *settings)
{
    const char *type = NULL, *start = NULL;
    NodedevDef *def = xml_struct_new(&NODEDEV_DEF_DESC);
    NodedevCap *cap = xml_struct_new(&NODEDEV_CAP_DESC);
    NodedevMdev *mdev = &cap->mdev;
    cap->type = NODEDEV_CAP_TYPE_MDEV;
    XML_LIST_APPEND(def->caps, def->n_caps, cap);
    if (uuid_parse(uuid, mdev->uuid) < 0 || json_get_string(settings, "mdev_type", &type) < 0) {
        LOG_WARN("a definition of %s is left out: %s", PROGRAM, error_message());
        virResetLastError();
        xml_struct_free(&NODEDEV_DEF_DESC, def);
        return;
    }
    g_autoptr(GPtrArray) above = managed_objects(nodedev_host_devices(node->host), MANAGED_LIST_ACTIVE, is_at, (void *) parent);
    mdev->has_uuid = true;
    mdev->type_id = g_strdup(type);
    add_attrs(mdev, settings);
    def->parent.value = g_strdup(above->len ? MANAGED_NAME((Managed *) above->pdata[0]) : "computer");
    mdev->parent_addr = g_strdup(parent);
    NodedevDef at = { .name = (char *) parent };
    def->name = mdev_name(node->host, def, &at);
    json_find_string(settings, "start", &start);
    if (managed_take_in(nodedev_host_devices(node->host), def, g_strcmp0(start, "auto") == 0) < 0)
        LOG_WARN("a definition of %s is left out: %s", PROGRAM, error_message());
    virResetLastError();
}

/* [{"PARENT": [{"UUID": {settings}}, …]}] */
static void add_all(NodedevNode *node, json_object *list)
{
    guint left = MAX_DEVICES;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *parents = json_object_array_get_idx(list, i);
        if (!json_object_is_type(parents, json_type_object))
            continue;
        json_object_object_foreach(parents, parent, devices) {
            for (size_t j = 0; json_object_is_type(devices, json_type_array) && j < json_object_array_length(devices) && left; j++, left--) {
                json_object *device = json_object_array_get_idx(devices, j);
                if (!json_object_is_type(device, json_type_object))
                    continue;
                json_object_object_foreach(device, uuid, settings)
                    add_definition(node, parent, uuid, settings);
            }
        }
    }
}

void mdev_load(NodedevNode *node)
{
    static const char *const argv[] = { PROGRAM, "list", "--defined", "--dumpjson", NULL };
    g_autofree char *program = g_find_program_in_path(PROGRAM);
    g_auto(ProcessOutput) output = { 0 };
    if (!program || !node->privileged)
        return;
    g_autoptr(json_object) list = run(argv, NULL, &output) == 0 ? json_parse(output.out, output.out_len, JSON_DEPTH, "list of mdevctl") : NULL;
    if (list && json_object_is_type(list, json_type_array))
        add_all(node, list);
    else
        LOG_WARN("the definitions of mediated devices can't be read: %s", error_message());
    virResetLastError();
}
