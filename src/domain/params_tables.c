/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which parameters there are and where they live. The order is that in which they are listed.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/params.h"
#include "domain/api.h"
#include "domain/find.h"
#include "domain/vcpus.h"

#define FIELD(TYPE, Struct, field_) .type = VIR_TYPED_PARAM_##TYPE, .offset = offsetof(Struct, field_), \
    .bytes = sizeof(((Struct *) 0)->field_)
#define HAS(Struct, field_) .has = offsetof(Struct, has_##field_)

/* ---- memory ---- */

#define LIMIT(name_, field_) { name_, FIELD(ULLONG, DomainMemtune, field_), HAS(DomainMemtune, field_), \
    .form = PARAM_LIMIT, .max = (gint64) VIR_DOMAIN_MEMORY_PARAM_UNLIMITED }

static const Param memory[] = {
    LIMIT(VIR_DOMAIN_MEMORY_HARD_LIMIT, hard_limit),
    LIMIT(VIR_DOMAIN_MEMORY_SOFT_LIMIT, soft_limit),
    LIMIT(VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT, swap_hard_limit),
};

static int check_memory(ParamChange *change)
{
    const DomainMemtune *m = change->def->memtune;
    if (!m || !m->has_swap_hard_limit || (m->has_hard_limit && m->hard_limit <= m->swap_hard_limit))
        return 0;
    return FAIL(VIR_ERR_INVALID_ARG, "memory hard_limit tunable value must be lower than or equal to swap_hard_limit");
}

static const ParamStep memory_sections[][PARAM_STEPS] = { { { offsetof(DomainDef, memtune), &DOMAIN_MEMTUNE_DESC } } };

const ParamGroup params_memory = {
    .what = "memory parameters", .params = memory, .n = G_N_ELEMENTS(memory), .sections = memory_sections,
    .check = check_memory,
};

/* ---- disk traffic of the whole domain ---- */

/* Most devices that one text may name. */
#define BLKIO_DEVICES_MAX 4096

#define DEVICE(name_, field_, max_) { name_, VIR_TYPED_PARAM_STRING, PARAM_CUSTOM, \
    .offset = offsetof(BlkioDevice, field_), .bytes = sizeof(((BlkioDevice *) 0)->field_), .max = max_ }

static const Param blkio[] = {
    { VIR_DOMAIN_BLKIO_WEIGHT, FIELD(UINT, DomainBlkiotune, weight), .form = PARAM_NUMBER },
    DEVICE(VIR_DOMAIN_BLKIO_DEVICE_WEIGHT, weight, G_MAXUINT32),
    DEVICE(VIR_DOMAIN_BLKIO_DEVICE_READ_IOPS, read_iops_sec, G_MAXUINT32),
    DEVICE(VIR_DOMAIN_BLKIO_DEVICE_WRITE_IOPS, write_iops_sec, G_MAXUINT32),
    DEVICE(VIR_DOMAIN_BLKIO_DEVICE_READ_BPS, read_bytes_sec, G_MAXINT64),
    DEVICE(VIR_DOMAIN_BLKIO_DEVICE_WRITE_BPS, write_bytes_sec, G_MAXINT64),
};

static guint64 device_value(const Param *param, const BlkioDevice *device)
{
    const void *field = (const char *) device + param->offset;
    return param->bytes == 4 ? *(const guint32 *) field : *(const guint64 *) field;
}

static void get_devices(const Param *param, const void *owner, TypedList *list)
{
    const DomainBlkiotune *tune = ((const DomainDef *) owner)->blkiotune;
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; tune && i < tune->n_devices; i++) {
        guint64 value = device_value(param, tune->devices[i]);
        if (value)
            g_string_append_printf(text, "%s%s,%" G_GUINT64_FORMAT, text->len ? "," : "", tune->devices[i]->path, value);
    }
    typed_list_string(list, param->name, text->str);
}

static BlkioDevice *device_at(DomainBlkiotune *tune, const char *path)
{
    for (guint i = 0; i < tune->n_devices; i++) {
        if (strcmp(tune->devices[i]->path, path) == 0)
            return tune->devices[i];
    }
    BlkioDevice *device = xml_struct_new(&BLKIO_DEVICE_DESC);
    device->path = g_strdup(path);
    XML_LIST_APPEND(tune->devices, tune->n_devices, device);
    return device;
}

static int set_device(DomainBlkiotune *tune, const Param *param, const char *path, const char *number)
{
    guint64 value;
    if (!*path || !g_ascii_string_to_unsigned(number, 10, 0, (guint64) param->max, &value, NULL))
        return FAIL(VIR_ERR_INVALID_ARG, "invalid value '%s' for parameter '%s' of device '%s'", number, param->name, path);
    if (tune->n_devices >= BLKIO_DEVICES_MAX)
        return FAIL(VIR_ERR_INVALID_ARG, "'%s' names more than %d devices", param->name, BLKIO_DEVICES_MAX);
    void *field = (char *) device_at(tune, path) + param->offset;
    if (param->bytes == 4)
        *(guint32 *) field = (guint32) value;
    else
        *(guint64 *) field = value;
    return 0;
}

/* "PATH,VALUE,PATH,VALUE": devices that aren't named stay as they are. */
static int set_devices(const Param *param, void *owner, const virTypedParameter *value)
{
    DomainDef *def = owner;
    g_auto(GStrv) words = g_strsplit(value->value.s, ",", -1);
    if (g_strv_length(words) % 2 != 0)
        return FAIL(VIR_ERR_INVALID_ARG, "unable to parse blkio device '%s' '%s': it is PATH,VALUE[,PATH,VALUE...]",
                    param->name, value->value.s);
    if (!def->blkiotune)
        def->blkiotune = xml_struct_new(&DOMAIN_BLKIOTUNE_DESC);
    for (char **w = words; *w; w += 2) {
        if (set_device(def->blkiotune, param, w[0], w[1]) < 0)
            return -1;
    }
    return 0;
}

/* Devices without any limit are no longer named. */
static int check_blkio(ParamChange *change)
{
    DomainBlkiotune *tune = change->def->blkiotune;
    for (guint i = tune ? tune->n_devices : 0; i-- > 0;) {
        BlkioDevice *d = tune->devices[i];
        if (d->weight || d->read_iops_sec || d->write_iops_sec || d->read_bytes_sec || d->write_bytes_sec)
            continue;
        XML_LIST_REMOVE(tune->devices, tune->n_devices, i);
        xml_struct_free(&BLKIO_DEVICE_DESC, d);
    }
    return 0;
}

static const ParamStep blkio_sections[][PARAM_STEPS] = {
    { { offsetof(DomainDef, blkiotune), &DOMAIN_BLKIOTUNE_DESC } },
};

const ParamGroup params_blkio = {
    .what = "block I/O parameters", .params = blkio, .n = G_N_ELEMENTS(blkio), .sections = blkio_sections,
    .get = get_devices, .set = set_devices, .check = check_blkio,
};

/* ---- scheduler ---- */

#define PERIOD(name_, field_) { name_, FIELD(ULLONG, DomainCputune, field_), .form = PARAM_NUMBER, .max = 1000000, .running = 100000 }
#define QUOTA(name_, field_) { name_, FIELD(LLONG, DomainCputune, field_), HAS(DomainCputune, field_), .form = PARAM_NUMBER, \
    .min = -1, .max = 17592186044415, .running = -1 }

static const Param cpu[] = {
    { VIR_DOMAIN_SCHEDULER_CPU_SHARES, FIELD(ULLONG, DomainCputune, shares), HAS(DomainCputune, shares),
      .form = PARAM_NUMBER, .max = 262144, .running = 1024 },
    PERIOD(VIR_DOMAIN_SCHEDULER_VCPU_PERIOD, period), QUOTA(VIR_DOMAIN_SCHEDULER_VCPU_QUOTA, quota),
    PERIOD(VIR_DOMAIN_SCHEDULER_EMULATOR_PERIOD, emulator_period),
    QUOTA(VIR_DOMAIN_SCHEDULER_EMULATOR_QUOTA, emulator_quota),
    PERIOD(VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, global_period), QUOTA(VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA, global_quota),
    PERIOD(VIR_DOMAIN_SCHEDULER_IOTHREAD_PERIOD, iothread_period),
    QUOTA(VIR_DOMAIN_SCHEDULER_IOTHREAD_QUOTA, iothread_quota),
};

/* What the kernel takes: a period or quota that is there at all has a least length. */
static int check_cpu(ParamChange *change)
{
    for (int i = 0; i < change->n; i++) {
        const virTypedParameter *p = &change->params[i];
        gint64 value = p->value.l;
        gboolean shares = strcmp(p->field, VIR_DOMAIN_SCHEDULER_CPU_SHARES) == 0;
        if (value > 0 && value < (shares ? 2 : 1000))
            return FAIL(VIR_ERR_INVALID_ARG, "value %" G_GINT64_FORMAT " of '%s' is less than %d", value, p->field,
                        shares ? 2 : 1000);
    }
    return 0;
}

static const ParamStep cpu_sections[][PARAM_STEPS] = { { { offsetof(DomainDef, cputune), &DOMAIN_CPUTUNE_DESC } } };

const ParamGroup params_cpu = {
    .what = "scheduler parameters", .params = cpu, .n = G_N_ELEMENTS(cpu), .sections = cpu_sections, .check = check_cpu,
};

static void get_fair(const Param *param, const void *owner, TypedList *list)
{
    typed_list_uint(list, param->name, 50);
}

static int set_fair(const Param *param, void *owner, const virTypedParameter *value)
{
    return 0;
}

static const Param fair[] = { { VIR_DOMAIN_SCHEDULER_WEIGHT, VIR_TYPED_PARAM_UINT, PARAM_CUSTOM } };

const ParamGroup params_fair = {
    .what = "scheduler parameters", .params = fair, .n = G_N_ELEMENTS(fair), .get = get_fair, .set = set_fair,
};

/* ---- nodes of the host ---- */

static const Param numa[] = {
    { VIR_DOMAIN_NUMA_MODE, FIELD(INT, DomainNumatune, memory.mode), .form = PARAM_ENUM,
      .min = VIR_DOMAIN_NUMATUNE_MEM_STRICT, .max = VIR_DOMAIN_NUMATUNE_MEM_RESTRICTIVE },
    { VIR_DOMAIN_NUMA_NODESET, FIELD(STRING, DomainNumatune, memory.nodeset), .form = PARAM_SET },
};

static int check_numa(ParamChange *change)
{
    DomainNumatune *tune = change->def->numatune;
    if (tune && tune->memory.nodeset && !tune->memory.mode)
        tune->memory.mode = DOMAIN_NUMATUNE_MODE_STRICT;
    if (tune && tune->memory.mode && !tune->memory.nodeset && !tune->memory.placement)
        return error_report(VIR_FROM_DOMAIN, VIR_ERR_CONFIG_UNSUPPORTED,
                            "a NUMA mode of domain '%s' means nothing without '" VIR_DOMAIN_NUMA_NODESET "'",
                            change->def->name), -1;
    return 0;
}

static int check_numa_live(const ParamChange *change)
{
    const DomainNumatune *before = change->running->numatune, *now = change->def->numatune;
    DomainNumatuneMode mode = before && before->memory.mode ? before->memory.mode : DOMAIN_NUMATUNE_MODE_STRICT;
    if (!now || !now->memory.mode || now->memory.mode == mode)
        return 0;
    return FAIL(VIR_ERR_OPERATION_INVALID, "the NUMA mode of domain '%s' can't be changed while it runs; '--config' changes it "
                "for the next start", change->def->name);
}

static const ParamStep numa_sections[][PARAM_STEPS] = { { { offsetof(DomainDef, numatune), &DOMAIN_NUMATUNE_DESC } } };

const ParamGroup params_numa = {
    .what = "NUMA parameters", .params = numa, .n = G_N_ELEMENTS(numa), .sections = numa_sections, .check = check_numa,
    .check_live = check_numa_live,
};

/* ---- traffic of an interface ---- */

enum { INBOUND, OUTBOUND };

#define TRAFFIC(name_, at_, field_) { name_, FIELD(UINT, BandwidthLimit, field_), .form = PARAM_NUMBER, .at = at_ }

static const Param interface[] = {
    TRAFFIC(VIR_DOMAIN_BANDWIDTH_IN_AVERAGE, INBOUND, average), TRAFFIC(VIR_DOMAIN_BANDWIDTH_IN_PEAK, INBOUND, peak),
    TRAFFIC(VIR_DOMAIN_BANDWIDTH_IN_BURST, INBOUND, burst), TRAFFIC(VIR_DOMAIN_BANDWIDTH_IN_FLOOR, INBOUND, floor),
    TRAFFIC(VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE, OUTBOUND, average), TRAFFIC(VIR_DOMAIN_BANDWIDTH_OUT_PEAK, OUTBOUND, peak),
    TRAFFIC(VIR_DOMAIN_BANDWIDTH_OUT_BURST, OUTBOUND, burst),
};

static const ParamStep interface_sections[][PARAM_STEPS] = {
    [INBOUND] = { { offsetof(DomainInterface, bandwidth), &BANDWIDTH_DESC },
                  { offsetof(Bandwidth, inbound), &BANDWIDTH_LIMIT_DESC } },
    [OUTBOUND] = { { offsetof(DomainInterface, bandwidth), &BANDWIDTH_DESC },
                   { offsetof(Bandwidth, outbound), &BANDWIDTH_LIMIT_DESC } },
};

static void *find_interface_of(DomainDef *def, const char *key, guint id)
{
    return find_interface(def, key);
}

/* A direction of which an average or a floor is given is set as a whole; without, what is given of it means nothing. */
static int set_direction(ParamChange *change, int at, BandwidthLimit **place)
{
    BandwidthLimit limit = { 0 };
    gboolean given = FALSE;
    for (int i = 0; i < change->n; i++) {
        const Param *param = params_find(change->group, change->params[i].field);
        if (param->at != at)
            continue;
        given |= param->offset == offsetof(BandwidthLimit, average) || param->offset == offsetof(BandwidthLimit, floor);
        if (param_store(param, &limit, &change->params[i]) < 0)
            return -1;
    }
    if (!given)
        return 0;
    xml_struct_free(&BANDWIDTH_LIMIT_DESC, *place);
    *place = limit.average || limit.floor ? g_memdup2(&limit, sizeof(limit)) : NULL;
    return 0;
}

static int apply_interface(ParamChange *change)
{
    DomainInterface *net = change->owner;
    if (!net->bandwidth)
        net->bandwidth = xml_struct_new(&BANDWIDTH_DESC);
    if (set_direction(change, INBOUND, &net->bandwidth->inbound) < 0 ||
        set_direction(change, OUTBOUND, &net->bandwidth->outbound) < 0)
        return -1;
    if (!net->bandwidth->inbound && !net->bandwidth->outbound) {
        xml_struct_free(&BANDWIDTH_DESC, net->bandwidth);
        net->bandwidth = NULL;
    }
    return 0;
}

const ParamGroup params_interface = {
    .what = "interface parameters", .params = interface, .n = G_N_ELEMENTS(interface), .sections = interface_sections,
    .find = find_interface_of, .apply = apply_interface,
};

/* ---- traffic of a disk ---- */

#define TUNE(name) { #name, FIELD(ULLONG, DomainDiskIotune, name), .form = PARAM_NUMBER }

static const Param iotune[] = {
    TUNE(total_bytes_sec), TUNE(read_bytes_sec), TUNE(write_bytes_sec),
    TUNE(total_iops_sec), TUNE(read_iops_sec), TUNE(write_iops_sec),
    TUNE(total_bytes_sec_max), TUNE(read_bytes_sec_max), TUNE(write_bytes_sec_max),
    TUNE(total_iops_sec_max), TUNE(read_iops_sec_max), TUNE(write_iops_sec_max), TUNE(size_iops_sec),
    { VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME, FIELD(STRING, DomainDiskIotune, group_name), .form = PARAM_TEXT },
    TUNE(total_bytes_sec_max_length), TUNE(read_bytes_sec_max_length), TUNE(write_bytes_sec_max_length),
    TUNE(total_iops_sec_max_length), TUNE(read_iops_sec_max_length), TUNE(write_iops_sec_max_length),
};

static const ParamStep iotune_sections[][PARAM_STEPS] = {
    { { offsetof(DomainDisk, iotune), &DOMAIN_DISK_IOTUNE_DESC } },
};

static void *find_disk_of(DomainDef *def, const char *key, guint id)
{
    return find_disk(def, key);
}

static int check_limits(const DomainDiskIotune *t, gboolean capped)
{
    const struct { const char *name; guint64 total, read, write; } sums[] = {
        { "bytes_sec", t->total_bytes_sec, t->read_bytes_sec, t->write_bytes_sec },
        { "iops_sec", t->total_iops_sec, t->read_iops_sec, t->write_iops_sec },
        { "bytes_sec_max", t->total_bytes_sec_max, t->read_bytes_sec_max, t->write_bytes_sec_max },
        { "iops_sec_max", t->total_iops_sec_max, t->read_iops_sec_max, t->write_iops_sec_max },
    };
    for (guint i = 0; i < G_N_ELEMENTS(iotune); i++) {
        if (iotune[i].form == PARAM_NUMBER && *(const guint64 *) ((const char *) t + iotune[i].offset) > DOMAIN_LIMIT_MAX)
            return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "%s must be no more than %llu", iotune[i].name, DOMAIN_LIMIT_MAX);
    }
    for (guint i = 0; i < G_N_ELEMENTS(sums); i++) {
        if (sums[i].total && (sums[i].read || sums[i].write))
            return FAIL(VIR_ERR_INVALID_ARG, "total and read/write of %s cannot be set at the same time", sums[i].name);
    }
    for (guint i = 0; i < 6; i++) { /* the bursts follow the six limits, in the same order */
        guint64 limit = *(const guint64 *) ((const char *) t + iotune[i].offset);
        guint64 burst = *(const guint64 *) ((const char *) t + iotune[i + 6].offset);
        if (limit > burst && (burst || capped))
            return FAIL(VIR_ERR_INVALID_ARG, "%s cannot be set higher than %s", iotune[i].name, iotune[i + 6].name);
    }
    return 0;
}

/* Disks of one group share their limits. */
static int check_iotune(ParamChange *change)
{
    const DomainDisk *disk = change->owner;
    const DomainDiskIotune *tune = disk->iotune;
    if (!tune)
        return 0;
    if (disk->n_throttle_filters > 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "disk '%s' of domain '%s' has <throttlefilters>, beside which it can't have limits of its own",
                    disk->target.dev, change->def->name);
    if (check_limits(tune, change->backend->iotune_capped) < 0)
        return -1;
    for (guint i = 0; tune->group_name && *tune->group_name && i < change->def->devices.n_disks; i++) {
        DomainDisk *other = change->def->devices.disks[i];
        if (other == disk || !other->iotune || g_strcmp0(other->iotune->group_name, tune->group_name) != 0)
            continue;
        xml_struct_free(&DOMAIN_DISK_IOTUNE_DESC, other->iotune);
        other->iotune = xml_struct_copy(&DOMAIN_DISK_IOTUNE_DESC, tune);
    }
    return 0;
}

const ParamGroup params_iotune = {
    .what = "block I/O limits", .params = iotune, .n = G_N_ELEMENTS(iotune), .sections = iotune_sections,
    .find = find_disk_of, .check = check_iotune,
};

/* ---- limits that disks share ---- */

#define THROTTLE_GROUPS_MAX 256

/* The group comes into being with its first parameter. */
static void *find_throttle(DomainDef *def, const char *key, guint id)
{
    DomainDiskIotune *group = key ? domain_throttle_group(def, key) : NULL;

    if (group)
        return group;
    if (!key || !domain_throttle_name_is_valid(key))
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "'%s' can't be the name of a throttle group: letters, digits, '-', '.' and '_' can", key ? key : "");
    if (def->n_throttle_groups >= THROTTLE_GROUPS_MAX)
        return FAIL_NULL(VIR_ERR_OPERATION_INVALID, "domain '%s' has %d throttle groups already, which is the most there can be", def->name,
                         THROTTLE_GROUPS_MAX);
    group = xml_struct_new(&DOMAIN_DISK_IOTUNE_DESC);
    group->group_name = g_strdup(key);
    XML_LIST_APPEND(def->throttle_groups, def->n_throttle_groups, group);
    return group;
}

static int check_throttle(ParamChange *change)
{
    const DomainDiskIotune *group = change->owner;

    if (g_strcmp0(group->group_name, change->key) != 0)
        return FAIL(VIR_ERR_INVALID_ARG, "parameter '%s' is '%s', but it is the throttle group '%s' that is set",
                    VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME, group->group_name, change->key);
    return check_limits(group, change->backend->iotune_capped);
}

const ParamGroup params_throttle = {
    .what = "limits that disks share", .params = iotune, .n = G_N_ELEMENTS(iotune), .find = find_throttle, .check = check_throttle,
};

/* ---- performance events ---- */

#define EVENT(name_) { name_, VIR_TYPED_PARAM_BOOLEAN, PARAM_CUSTOM }

static const Param perf[] = {
    EVENT(VIR_PERF_PARAM_CMT), EVENT(VIR_PERF_PARAM_MBMT), EVENT(VIR_PERF_PARAM_MBML), EVENT(VIR_PERF_PARAM_CPU_CYCLES),
    EVENT(VIR_PERF_PARAM_INSTRUCTIONS), EVENT(VIR_PERF_PARAM_CACHE_REFERENCES), EVENT(VIR_PERF_PARAM_CACHE_MISSES),
    EVENT(VIR_PERF_PARAM_BRANCH_INSTRUCTIONS), EVENT(VIR_PERF_PARAM_BRANCH_MISSES), EVENT(VIR_PERF_PARAM_BUS_CYCLES),
    EVENT(VIR_PERF_PARAM_STALLED_CYCLES_FRONTEND), EVENT(VIR_PERF_PARAM_STALLED_CYCLES_BACKEND),
    EVENT(VIR_PERF_PARAM_REF_CPU_CYCLES), EVENT(VIR_PERF_PARAM_CPU_CLOCK), EVENT(VIR_PERF_PARAM_TASK_CLOCK),
    EVENT(VIR_PERF_PARAM_PAGE_FAULTS), EVENT(VIR_PERF_PARAM_CONTEXT_SWITCHES), EVENT(VIR_PERF_PARAM_CPU_MIGRATIONS),
    EVENT(VIR_PERF_PARAM_PAGE_FAULTS_MIN), EVENT(VIR_PERF_PARAM_PAGE_FAULTS_MAJ), EVENT(VIR_PERF_PARAM_ALIGNMENT_FAULTS),
    EVENT(VIR_PERF_PARAM_EMULATION_FAULTS),
};

static PerfEvent *find_event(const DomainDef *def, const char *name)
{
    for (guint i = 0; i < def->n_perf_events; i++) {
        if (def->perf_events[i]->name == perf_event_name_from_string(name))
            return def->perf_events[i];
    }
    return NULL;
}

static void get_event(const Param *param, const void *owner, TypedList *list)
{
    const PerfEvent *event = find_event(owner, param->name);
    typed_list_bool(list, param->name, event && event->enabled == TRISTATE_YES);
}

static int set_event(const Param *param, void *owner, const virTypedParameter *value)
{
    DomainDef *def = owner;
    PerfEvent *event = find_event(def, param->name);
    if (!event) { /* they stand in the order of the table */
        guint at = 0;
        for (const Param *p = perf; p < param; p++)
            at += find_event(def, p->name) != NULL;
        event = xml_struct_new(&PERF_EVENT_DESC);
        event->name = perf_event_name_from_string(param->name);
        XML_LIST_INSERT(def->perf_events, def->n_perf_events, at, event);
    }
    event->enabled = value->value.b ? TRISTATE_YES : TRISTATE_NO;
    return 0;
}

const ParamGroup params_perf = {
    .what = "performance events", .params = perf, .n = G_N_ELEMENTS(perf), .get = get_event, .set = set_event,
};

/* ---- one I/O thread ---- */

#define POLL(TYPE, name_, field_, max_) { name_, FIELD(TYPE, DomainIothread, poll.field_), \
    .has = offsetof(DomainIothread, poll.has_##field_), .form = PARAM_NUMBER, .max = max_ }
#define WORKERS(name_, field_) { name_, FIELD(INT, DomainIothread, field_), HAS(DomainIothread, field_), \
    .form = PARAM_NUMBER, .max = G_MAXINT32 }

static const Param iothread[] = {
    POLL(ULLONG, VIR_DOMAIN_IOTHREAD_POLL_MAX_NS, max, G_MAXINT64),
    POLL(UINT, VIR_DOMAIN_IOTHREAD_POLL_GROW, grow, G_MAXUINT32),
    POLL(UINT, VIR_DOMAIN_IOTHREAD_POLL_SHRINK, shrink, G_MAXUINT32),
    WORKERS(VIR_DOMAIN_IOTHREAD_THREAD_POOL_MIN, thread_pool_min),
    WORKERS(VIR_DOMAIN_IOTHREAD_THREAD_POOL_MAX, thread_pool_max),
};

static void *find_thread(DomainDef *def, const char *key, guint id)
{
    domain_def_number_iothreads(def);
    int at = find_iothread(def, id);
    return at >= 0 ? def->iothreadids[at]
                   : FAIL_NULL(VIR_ERR_INVALID_ARG, "cannot find IOThread '%u' in iothreadids of domain '%s'", id, def->name);
}

static int check_thread(ParamChange *change)
{
    const DomainIothread *t = change->owner;
    if (t->has_thread_pool_min && t->has_thread_pool_max && t->thread_pool_min > t->thread_pool_max)
        return FAIL(VIR_ERR_OPERATION_INVALID, "thread_pool_min %d of I/O thread %u is more than thread_pool_max %d",
                    t->thread_pool_min, t->id, t->thread_pool_max);
    return 0;
}

const ParamGroup params_iothread = {
    .what = "I/O thread parameters", .params = iothread, .n = G_N_ELEMENTS(iothread), .find = find_thread,
    .check = check_thread,
};
