/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is asked of the guest's own system, by its agent. The answers are hostile: lists are bounded, and what is of another kind
 * than it should be is an error.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "drivers/qemu/backend.h"
#include "network/addresses.h"

/* Numbers of a guest's vCPUs are below this. */
#define VCPUS_MAX 16384
/* Longest list of anything else. */
#define ITEMS_MAX 256
/* Most keys of a user: what one message of the wire protocol takes. */
#define KEYS_MAX 2048

/* @timeout: virDomainQemuAgentCommandTimeoutValues, whose numbers virDomainAgentResponseTimeoutValues has as well. */
static int deadline(Guest *guest, int timeout)
{
    G_STATIC_ASSERT((int)VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK == (int)VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK &&
                    (int)VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_NOWAIT == (int)VIR_DOMAIN_QEMU_AGENT_COMMAND_NOWAIT);
    if (timeout == VIR_DOMAIN_QEMU_AGENT_COMMAND_NOWAIT)
        return 1;
    if (timeout > 0)
        return MIN(timeout, G_MAXINT / 1000) * 1000;
    /* "Block" as well as the default end at some time. */
    return (int)MIN(guest_deadline_ms(guest) * (timeout == VIR_DOMAIN_QEMU_AGENT_COMMAND_BLOCK ? 10 : 1), G_MAXINT);
}

/* @args is taken over; @result may be NULL. */
static int call_within(Guest *guest, const char *command, json_object *args, int timeout, json_object **result)
{
    g_autoptr(Agent) agent = qemu_guest_agent(guest);

    if (agent)
        return agent_call(agent, command, args, deadline(guest, timeout), 0, 0, result);
    json_object_put(args);
    return -1;
}

static int call(Guest *guest, const char *command, json_object *args, json_object **result)
{
    return call_within(guest, command, args, g_atomic_int_get(&qemu_guest(guest)->agent_timeout), result);
}

/* A command that answers with a list of objects. How many, or -1. */
static int call_list(Guest *guest, const char *command, json_object **list, size_t most)
{
    if (call(guest, command, NULL, list) < 0)
        return -1;
    if (!json_object_is_type(*list, json_type_array) || json_object_array_length(*list) > most)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' answers '%s' with no list, or one of more than %zu", guest->name,
                    command, most);
    return (int)json_object_array_length(*list);
}

int qemu_backend_agent_timeout(Guest *guest, int timeout)
{
    g_atomic_int_set(&qemu_guest(guest)->agent_timeout, timeout);
    guest_status_changed(guest);
    return 0;
}

char *qemu_backend_agent_command(Guest *guest, const char *command, int timeout)
{
    g_autoptr(json_object) parsed = NULL, result = NULL, reply = NULL;
    const char *why = NULL, *name;

    if (strlen(command) > QEMU_MAX_COMMAND)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "the command is longer than %d bytes", QEMU_MAX_COMMAND);
    parsed = json_lines_parse(command, strlen(command), &why);
    name = json_member_string(parsed, "execute");
    if (!name)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "the agent command is no JSON object with 'execute': %s", why ? why : "no such member");
    if (call_within(guest, name, json_object_get(json_member(parsed, "arguments", json_type_object)), timeout, &result) < 0)
        return NULL;
    reply = json_object_new_object();
    json_object_object_add(reply, "return", g_steal_pointer(&result));
    return g_strdup(json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

char *qemu_backend_agent_hostname(Guest *guest)
{
    g_autoptr(json_object) result = NULL;
    const char *name;

    if (call(guest, "guest-get-host-name", NULL, &result) < 0 || json_get_string(result, "host-name", &name) < 0)
        return NULL;
    return g_strdup(name);
}

/* ---- vCPUs ---- */

int qemu_backend_agent_vcpus(Guest *guest, Bitmap **possible, Bitmap **online, Bitmap **offlinable)
{
    g_autoptr(json_object) list = NULL;
    int n = call_list(guest, "guest-get-vcpus", &list, VCPUS_MAX);

    if (n < 0)
        return -1;
    *possible = bitmap_new(VCPUS_MAX);
    *online = bitmap_new(VCPUS_MAX);
    *offlinable = bitmap_new(VCPUS_MAX);
    for (int i = 0; i < n; i++) {
        json_object *cpu = json_array_object(list, (size_t)i);
        uint64_t id;
        bool on, can = false;

        if (!cpu || json_get_uint(cpu, "logical-id", &id) < 0 || json_get_bool(cpu, "online", &on) < 0 ||
            json_find_bool(cpu, "can-offline", &can) < 0)
            return -1;
        if (!bitmap_set(*possible, id))
            return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' tells of a vCPU %" G_GUINT64_FORMAT, guest->name, id);
        if (on)
            bitmap_set(*online, id);
        if (can)
            bitmap_set(*offlinable, id);
    }
    return 0;
}

/* The agent does as many as it can and says how many: what is left is asked for again, and then it says why not. */
int qemu_backend_agent_set_vcpus(Guest *guest, const Bitmap *vcpus, gboolean online)
{
    g_autoptr(Bitmap) left = bitmap_copy(vcpus);

    for (size_t n; (n = bitmap_count(left)) > 0;) {
        g_autoptr(json_object) result = NULL;
        json_object *wanted = json_object_new_array();

        for (ssize_t i = -1; (i = bitmap_next(left, i)) >= 0;)
            json_object_array_add(wanted, json_make(JSON_INT("logical-id", i), JSON_BOOL("online", online)));
        if (call(guest, "guest-set-vcpus", json_make(JSON_VALUE("vcpus", wanted)), &result) < 0)
            return -1;
        int64_t done = json_object_is_type(result, json_type_int) ? json_object_get_int64(result) : 0;
        if (done < 1 || done > (int64_t)n)
            return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' did not say which vCPUs it changed", guest->name);
        for (; done > 0; done--)
            bitmap_clear(left, (size_t)bitmap_next(left, -1));
    }
    return 0;
}

/* ---- time ---- */

int qemu_backend_agent_time(Guest *guest, long long *seconds, unsigned int *nseconds)
{
    g_autoptr(json_object) result = NULL;

    if (call(guest, "guest-get-time", NULL, &result) < 0)
        return -1;
    if (!json_object_is_type(result, json_type_int) || json_object_get_int64(result) < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' answers with no time", guest->name);
    *seconds = json_object_get_int64(result) / 1000000000;
    *nseconds = (unsigned int)(json_object_get_int64(result) % 1000000000);
    return 0;
}

int qemu_backend_agent_set_time(Guest *guest, long long seconds, unsigned int nseconds, gboolean sync)
{
    long long ns;

    if (sync)
        return call(guest, "guest-set-time", NULL, NULL);
    if (nseconds >= 1000000000 || __builtin_mul_overflow(seconds, 1000000000LL, &ns) || __builtin_add_overflow(ns, nseconds, &ns))
        return FAIL(VIR_ERR_INVALID_ARG, "%lld s and %u ns are no time that a guest could have", seconds, nseconds);
    return call(guest, "guest-set-time", json_make(JSON_INT("time", ns)), NULL);
}

/* ---- file systems ---- */

int qemu_backend_agent_freeze(Guest *guest, const char **mountpoints, unsigned int n, gboolean freeze)
{
    g_autoptr(json_object) result = NULL;
    json_object *args = NULL;

    if (n > 0 && !freeze)
        return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "agents thaw all that is frozen, not only '%s'", mountpoints[0]);
    if (n > 0) {
        json_object *list = json_object_new_array();

        for (unsigned int i = 0; i < n; i++)
            json_object_array_add(list, json_object_new_string(mountpoints[i]));
        args = json_make(JSON_VALUE("mountpoints", list));
    }
    if (call(guest, !freeze ? "guest-fsfreeze-thaw" : args ? "guest-fsfreeze-freeze-list" : "guest-fsfreeze-freeze", args, &result) < 0)
        return -1;
    if (!json_object_is_type(result, json_type_int) || json_object_get_int64(result) < 0 || json_object_get_int64(result) > G_MAXINT)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' doesn't say how many file systems it %s", guest->name,
                    freeze ? "froze" : "thawed");
    return json_object_get_int(result);
}

int qemu_backend_agent_trim(Guest *guest, const char *mountpoint, unsigned long long minimum)
{
    if (mountpoint)
        return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "agents trim all file systems, not only '%s'", mountpoint);
    if (minimum > G_MAXINT64)
        return FAIL(VIR_ERR_INVALID_ARG, "%llu bytes are more than a file system has", minimum);
    return call(guest, "guest-fstrim", json_make(JSON_UINT("minimum", minimum)), NULL);
}

/* A disk that a file system is on. */
typedef struct Match {
    json_object *disk;       /* what the agent says of it */
    char *copy;              /* its name in the definition; NULL: not found */
} Match;

/* Agents tell the unit on a controller, whose place among PCI devices is that of the definition. */
static gboolean is_place(const DomainDef *def, const DomainDisk *disk, json_object *place)
{
    json_object *pci = json_member(place, "pci-controller", json_type_object);
    const DomainAddress *address = disk->info.address;
    gint64 bus = json_member_int(place, "bus", -1), target = json_member_int(place, "target", -1), unit = json_member_int(place, "unit", -1);

    if (!address)
        return FALSE;
    if (address->type == DOMAIN_ADDRESS_TYPE_DRIVE) {
        const DomainController *controller = NULL;

        for (guint i = 0; i < def->devices.n_controllers && !controller; i++) {
            const DomainController *c = def->devices.controllers[i];
            gboolean same = (disk->target.bus == DOMAIN_DISK_BUS_SCSI && c->type == DOMAIN_CONTROLLER_TYPE_SCSI) ||
                (disk->target.bus == DOMAIN_DISK_BUS_IDE && c->type == DOMAIN_CONTROLLER_TYPE_IDE) ||
                (disk->target.bus == DOMAIN_DISK_BUS_SATA && c->type == DOMAIN_CONTROLLER_TYPE_SATA);

            controller = same && c->index == address->drive.controller ? c : NULL;
        }
        if (bus != address->drive.bus || target != address->drive.target || unit != address->drive.unit || !controller)
            return FALSE;
        address = controller->info.address;
    }
    return address && address->type == DOMAIN_ADDRESS_TYPE_PCI && json_member_int(pci, "domain", -1) == address->pci.domain &&
        json_member_int(pci, "bus", -1) == address->pci.bus && json_member_int(pci, "slot", -1) == address->pci.slot &&
        json_member_int(pci, "function", -1) == address->pci.function;
}

static void find_target(const DomainDef *def, void *opaque)
{
    Match *match = opaque;

    for (guint i = 0; i < def->devices.n_disks && !match->copy; i++) {
        if (is_place(def, def->devices.disks[i], match->disk))
            match->copy = g_strdup(def->devices.disks[i]->target.dev);
    }
}

static int read_filesystem(Guest *guest, json_object *from, virDomainFSInfoPtr to)
{
    const char *name, *mountpoint, *type;
    json_object *disks = NULL;

    if (!from || json_get_string(from, "name", &name) < 0 || json_get_string(from, "mountpoint", &mountpoint) < 0 ||
        json_get_string(from, "type", &type) < 0 || json_find_array(from, "disk", &disks) < 0)
        return -1;
    to->name = g_strdup(name);
    to->mountpoint = g_strdup(mountpoint);
    to->fstype = g_strdup(type);
    size_t n = disks ? json_object_array_length(disks) : 0;
    if (n > ITEMS_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent tells of %zu disks of file system '%s'", n, mountpoint);
    to->devAlias = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        Match match = { .disk = json_object_array_get_idx(disks, i) };

        guest_with_def(guest, find_target, &match);
        if (match.copy)
            to->devAlias[to->ndevAlias++] = match.copy;
    }
    return 0;
}

int qemu_backend_agent_filesystems(Guest *guest, virDomainFSInfoPtr **info)
{
    g_autoptr(json_object) list = NULL;
    int n = call_list(guest, "guest-get-fsinfo", &list, ITEMS_MAX);

    if (n < 0)
        return -1;
    virDomainFSInfoPtr *found = g_new0(virDomainFSInfoPtr, n + 1);
    for (int i = 0; i < n; i++) {
        found[i] = g_new0(virDomainFSInfo, 1);
        if (read_filesystem(guest, json_array_object(list, (size_t)i), found[i]) == 0)
            continue;
        for (; i >= 0; i--)
            virDomainFSInfoFree(found[i]);
        g_free(found);
        return -1;
    }
    *info = found;
    return n;
}

/* ---- network ---- */

static int read_address(json_object *from, virDomainIPAddressPtr to)
{
    const char *kind, *text;
    uint64_t prefix = 0;

    if (!from || json_get_string(from, "ip-address-type", &kind) < 0 || json_get_string(from, "ip-address", &text) < 0 ||
        json_find_uint(from, "prefix", &prefix) < 0)
        return -1;
    *to = (virDomainIPAddress) { g_str_equal(kind, "ipv6") ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4, g_strdup(text),
                                 (unsigned int)MIN(prefix, 128) };
    return 0;
}

static int read_interface(json_object *from, virDomainInterfacePtr to)
{
    const char *name, *mac = NULL;
    json_object *list = NULL;

    if (!from || json_get_string(from, "name", &name) < 0 || json_find_string(from, "hardware-address", &mac) < 0 ||
        json_find_array(from, "ip-addresses", &list) < 0)
        return -1;
    to->name = g_strdup(name);
    to->hwaddr = g_strdup(mac);
    size_t n = list ? json_object_array_length(list) : 0;
    if (n > ITEMS_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent tells of %zu addresses of interface '%s'", n, name);
    to->addrs = g_new0(virDomainIPAddress, n);
    for (; to->naddrs < n; to->naddrs++) {
        if (read_address(json_array_object(list, to->naddrs), &to->addrs[to->naddrs]) < 0)
            return -1;
    }
    return 0;
}

int qemu_backend_addresses(Guest *guest, const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces)
{
    g_autoptr(json_object) list = NULL;
    int n;

    if (source != VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
        return network_addresses(def, source, ifaces);
    n = call_list(guest, "guest-network-get-interfaces", &list, ITEMS_MAX);
    if (n < 0)
        return -1;
    virDomainInterfacePtr *found = g_new0(virDomainInterfacePtr, n + 1);
    for (int i = 0; i < n; i++) {
        found[i] = g_new0(virDomainInterface, 1);
        if (read_interface(json_array_object(list, (size_t)i), found[i]) == 0)
            continue;
        for (; i >= 0; i--)
            virDomainInterfaceFree(found[i]);
        g_free(found);
        return -1;
    }
    *ifaces = found;
    return n;
}

/* ---- users ---- */

int qemu_backend_agent_password(Guest *guest, const char *user, const char *password, gboolean encrypted)
{
    g_autofree char *text = g_base64_encode((const guchar *)password, strlen(password));
    int rc = call(guest, "guest-set-user-password", json_make(JSON_STR("username", user), JSON_STR("password", text),
                                                              JSON_BOOL("crypted", encrypted)), NULL);

    explicit_bzero(text, strlen(text));
    return rc;
}

static int list_users(Guest *guest, TypedList *list)
{
    g_autoptr(json_object) users = NULL;
    int n = call_list(guest, "guest-get-users", &users, ITEMS_MAX);

    if (n < 0)
        return -1;
    typed_list_uint(list, "user.count", (unsigned int)n);
    for (int i = 0; i < n; i++) {
        json_object *user = json_array_object(users, (size_t)i);
        const char *name, *domain = NULL;
        double login;

        if (!user || json_get_string(user, "user", &name) < 0 || json_find_string(user, "domain", &domain) < 0 ||
            json_get_double(user, "login-time", &login) < 0)
            return -1;
        typed_list_string_f(list, name, "user.%d.name", i);
        if (domain)
            typed_list_string_f(list, domain, "user.%d.domain", i);
        typed_list_ullong_f(list, login > 0 && login < 1e15 ? (unsigned long long)(login * 1000) : 0, "user.%d.login-time", i);
    }
    return 0;
}

int qemu_backend_agent_keys(Guest *guest, const char *user, char ***keys)
{
    g_autoptr(json_object) result = NULL;
    g_auto(GStrv) found = NULL;
    json_object *list;

    if (call(guest, "guest-ssh-get-authorized-keys", json_make(JSON_STR("username", user)), &result) < 0 ||
        json_get_array(result, "keys", &list) < 0)
        return -1;
    size_t n = json_object_array_length(list);
    if (n > KEYS_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' tells of %zu keys", guest->name, n);
    found = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        json_object *key = json_object_array_get_idx(list, i);

        if (!json_object_is_type(key, json_type_string))
            return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' tells of a key that is no text", guest->name);
        found[i] = g_strdup(json_object_get_string(key));
    }
    *keys = g_steal_pointer(&found);
    return (int)n;
}

int qemu_backend_agent_set_keys(Guest *guest, const char *user, const char **keys, unsigned int n, GuestKeysMode mode)
{
    json_object *list = json_object_new_array(), *args;

    for (unsigned int i = 0; i < n; i++)
        json_object_array_add(list, json_object_new_string(keys[i]));
    args = json_make(JSON_STR("username", user), JSON_VALUE("keys", list));
    if (mode == GUEST_KEYS_REMOVE)
        return call(guest, "guest-ssh-remove-authorized-keys", args, NULL);
    json_add(args, JSON_BOOL("reset", mode == GUEST_KEYS_REPLACE));
    return call(guest, "guest-ssh-add-authorized-keys", args, NULL);
}

/* ---- sleep ---- */

static void read_sleep(const DomainDef *def, void *opaque)
{
    Tristate *states = opaque;

    states[0] = def->pm.suspend_to_mem;
    states[1] = def->pm.suspend_to_disk;
}

/* The machine can, and the definition lets it. */
static int check_sleep(Guest *guest, unsigned int target)
{
    Tristate states[2] = { TRISTATE_UNSET, TRISTATE_UNSET };
    g_autoptr(json_object) machine = NULL;

    guest_with_def(guest, read_sleep, states);
    if (states[0] == TRISTATE_NO && target != VIR_NODE_SUSPEND_TARGET_DISK)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "<pm> of domain '%s' has no sleep to memory (S3)", guest->name);
    if (states[1] == TRISTATE_NO && target != VIR_NODE_SUSPEND_TARGET_MEM)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "<pm> of domain '%s' has no sleep to disk (S4)", guest->name);
    if (target == VIR_NODE_SUSPEND_TARGET_DISK)
        return 0;
    if (qemu_guest_call(guest, "query-current-machine", NULL, &machine) < 0)
        return -1;
    if (!json_member_bool(machine, "wakeup-suspend-support", FALSE))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "the machine of domain '%s' can't be woken", guest->name);
    return 0;
}

int qemu_backend_agent_sleep(Guest *guest, unsigned int target)
{
    static const char *const commands[] = {
        [VIR_NODE_SUSPEND_TARGET_MEM] = "guest-suspend-ram", [VIR_NODE_SUSPEND_TARGET_DISK] = "guest-suspend-disk",
        [VIR_NODE_SUSPEND_TARGET_HYBRID] = "guest-suspend-hybrid",
    };
    g_autoptr(Agent) agent = qemu_guest_agent(guest);

    if (!agent || check_sleep(guest, target) < 0)
        return -1;
    return agent_call(agent, commands[target], NULL, deadline(guest, g_atomic_int_get(&qemu_guest(guest)->agent_timeout)), 0,
                      AGENT_ENDS_GUEST, NULL);
}

/* ---- the system ---- */

static int list_system(Guest *guest, TypedList *list)
{
    static const char *const members[] = { "id", "name", "pretty-name", "version", "version-id", "machine", "kernel-release",
                                           "kernel-version", "variant", "variant-id" };
    g_autoptr(json_object) info = NULL;

    if (call(guest, "guest-get-osinfo", NULL, &info) < 0)
        return -1;
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *value;
        int found = json_find_string(info, members[i], &value);

        if (found < 0)
            return -1;
        if (found)
            typed_list_string_f(list, value, "os.%s", members[i]);
    }
    return 0;
}

static int list_zone(Guest *guest, TypedList *list)
{
    g_autoptr(json_object) zone = NULL;
    const char *name = NULL;
    int64_t offset;

    if (call(guest, "guest-get-timezone", NULL, &zone) < 0 || json_find_string(zone, "zone", &name) < 0 ||
        json_get_int(zone, "offset", &offset) < 0)
        return -1;
    if (name)
        typed_list_string(list, "timezone.name", name);
    typed_list_int(list, "timezone.offset", (int)CLAMP(offset, G_MININT, G_MAXINT));
    return 0;
}

static int list_disk(Guest *guest, json_object *disk, int i, TypedList *list)
{
    json_object *dependencies = NULL, *address = NULL;
    const char *name, *serial = NULL, *bus = NULL, *guest_alias = NULL;
    bool partition;

    if (!disk || json_get_string(disk, "name", &name) < 0 || json_get_bool(disk, "partition", &partition) < 0 ||
        json_find_array(disk, "dependencies", &dependencies) < 0 || json_find_object(disk, "address", &address) < 0 ||
        json_find_string(disk, "alias", &guest_alias) < 0)
        return -1;
    size_t n = dependencies ? json_object_array_length(dependencies) : 0;
    if (n > ITEMS_MAX)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the agent of domain '%s' tells of %zu disks below '%s'", guest->name, n, name);
    typed_list_string_f(list, name, "disk.%d.name", i);
    typed_list_bool_f(list, partition, "disk.%d.partition", i);
    if (dependencies)
        typed_list_uint_f(list, (unsigned int)n, "disk.%d.dependency.count", i);
    for (size_t j = 0; j < n; j++) {
        json_object *item = json_object_array_get_idx(dependencies, j);

        typed_list_string_f(list, json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "",
                            "disk.%d.dependency.%zu.name", i, j);
    }
    if (address) {
        Match match = { .disk = address };

        if (json_find_string(address, "serial", &serial) < 0 || json_find_string(address, "bus-type", &bus) < 0)
            return -1;
        if (serial)
            typed_list_string_f(list, serial, "disk.%d.serial", i);
        guest_with_def(guest, find_target, &match);
        if (match.copy)
            typed_list_string_f(list, match.copy, "disk.%d.alias", i);
        if (bus)
            typed_list_string_f(list, bus, "disk.%d.guest_bus", i);
        g_free(match.copy);
    }
    if (guest_alias)
        typed_list_string_f(list, guest_alias, "disk.%d.guest_alias", i);
    return 0;
}

static int list_disks(Guest *guest, TypedList *list)
{
    g_autoptr(json_object) disks = NULL;
    int n = call_list(guest, "guest-get-disks", &disks, ITEMS_MAX);

    if (n < 0)
        return -1;
    typed_list_uint(list, "disk.count", (unsigned int)n);
    for (int i = 0; i < n; i++) {
        if (list_disk(guest, json_array_object(disks, (size_t)i), i, list) < 0)
            return -1;
    }
    return 0;
}

int qemu_backend_agent_info(Guest *guest, unsigned int type, TypedList *list)
{
    switch (type) {
    case VIR_DOMAIN_GUEST_INFO_USERS:
        return list_users(guest, list);
    case VIR_DOMAIN_GUEST_INFO_OS:
        return list_system(guest, list);
    case VIR_DOMAIN_GUEST_INFO_TIMEZONE:
        return list_zone(guest, list);
    case VIR_DOMAIN_GUEST_INFO_DISKS:
        return list_disks(guest, list);
    default:
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "information 0x%x of guests isn't asked for", type);
    }
}
