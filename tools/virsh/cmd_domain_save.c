/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: state to files and back (save, managed save, dump), and the job that does it. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

/* An absolute path, since the daemon has another working directory. */
static char *absolute(const char *path)
{
    return g_canonicalize_filename(path, NULL);
}

static bool long_call(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *label, int (*function)(void *),
                      void *data)
{
    VirshJob job = {.domain = domain, .verbose = cmd_has(cmd, "verbose"), .call = function, .data = data,
                    .progress = {.label = label}};

    return virsh_job_run(shell, &job);
}

static const VirshFlag save_flags[] = {
    {"bypass-cache", VIR_DOMAIN_SAVE_BYPASS_CACHE},
    {"running", VIR_DOMAIN_SAVE_RUNNING},
    {"paused", VIR_DOMAIN_SAVE_PAUSED},
    {"reset-nvram", VIR_DOMAIN_SAVE_RESET_NVRAM},
    {NULL, 0},
};

typedef struct {
    virDomainPtr domain;
    const char *path, *xml, *format;
    unsigned int flags, channels;
    bool has_channels, memory_only;
    int dump_format;
} SaveData;

static int add_save_params(const SaveData *data, virTypedParameterPtr *params, int *count)
{
    int max = 0;

    if (virTypedParamsAddString(params, count, &max, VIR_DOMAIN_SAVE_PARAM_FILE, data->path) < 0)
        return -1;
    if (data->xml && virTypedParamsAddString(params, count, &max, VIR_DOMAIN_SAVE_PARAM_DXML, data->xml) < 0)
        return -1;
    if (data->format &&
        virTypedParamsAddString(params, count, &max, VIR_DOMAIN_SAVE_PARAM_IMAGE_FORMAT, data->format) < 0)
        return -1;
    if (data->has_channels &&
        virTypedParamsAddInt(params, count, &max, VIR_DOMAIN_SAVE_PARAM_PARALLEL_CHANNELS, data->channels) < 0)
        return -1;
    return 0;
}

static int call_save(void *opaque)
{
    SaveData *data = opaque;
    virTypedParameterPtr params = NULL;
    int count = 0, rc;

    if (!data->format && !data->has_channels) {
        if (data->flags || data->xml)
            return virDomainSaveFlags(data->domain, data->path, data->xml, data->flags);
        return virDomainSave(data->domain, data->path);
    }
    rc = add_save_params(data, &params, &count);
    if (rc == 0)
        rc = virDomainSaveParams(data->domain, params, count, data->flags);
    virTypedParamsFree(params, count);
    return rc;
}

/* --xml, --image-format and --parallel-channels; false after an error printed. */
static bool save_options(Shell *shell, const Cmd *cmd, SaveData *data, char **xml)
{
    int channels = 0, rc = cmd_int(shell, cmd, "parallel-channels", &channels);

    if (rc < 0 || !cmd_exclusive(shell, cmd, "running", "paused"))
        return false;
    data->has_channels = rc > 0;
    data->channels = channels;
    if (cmd_may_have(cmd, "image-format") && cmd_string(shell, cmd, "image-format", &data->format) < 0)
        return false;
    if (cmd_has(cmd, "xml") && !(*xml = virsh_read_option(shell, cmd, "xml")))
        return false;
    data->xml = *xml;
    return true;
}

bool cmd_save(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *path = NULL, *xml = NULL;
    const char *file = NULL;
    SaveData data = {.domain = domain, .flags = virsh_flags(cmd, save_flags)};

    if (!domain || cmd_string(shell, cmd, "file", &file) <= 0 || !save_options(shell, cmd, &data, &xml))
        return false;
    data.path = path = absolute(file);
    if (!long_call(shell, cmd, domain, "Save", call_save, &data))
        return shell_error(shell, "Failed to save domain '%s' to %s", virDomainGetName(domain), file);
    shell_print_extra(shell, "\nDomain '%s' saved to %s\n", virDomainGetName(domain), file);
    return true;
}

bool cmd_restore(Shell *shell, const Cmd *cmd)
{
    g_autofree char *path = NULL, *xml = NULL;
    const char *file = NULL;
    SaveData data = {.flags = virsh_flags(cmd, save_flags)};
    virTypedParameterPtr params = NULL;
    int count = 0, rc;

    if (cmd_string(shell, cmd, "file", &file) <= 0 || !save_options(shell, cmd, &data, &xml))
        return false;
    data.path = path = absolute(file);
    if (data.has_channels) {
        rc = add_save_params(&data, &params, &count);
        if (rc == 0)
            rc = virDomainRestoreParams(virsh_conn(shell), params, count, data.flags);
        virTypedParamsFree(params, count);
    } else if (data.flags || xml) {
        rc = virDomainRestoreFlags(virsh_conn(shell), path, xml, data.flags);
    } else {
        rc = virDomainRestore(virsh_conn(shell), path);
    }
    if (rc < 0)
        return shell_error(shell, "Failed to restore domain from %s", file);
    shell_print_extra(shell, "Domain restored from %s\n", file);
    return true;
}

static int call_managed_save(void *opaque)
{
    SaveData *data = opaque;

    return virDomainManagedSave(data->domain, data->flags);
}

bool cmd_managedsave(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    SaveData data = {.domain = domain, .flags = virsh_flags(cmd, save_flags)};

    if (!domain || !cmd_exclusive(shell, cmd, "running", "paused"))
        return false;
    if (!long_call(shell, cmd, domain, "Managedsave", call_managed_save, &data))
        return shell_error(shell, "Failed to save domain '%s' state", virDomainGetName(domain));
    shell_print_extra(shell, "\nDomain '%s' state saved by libvirt\n", virDomainGetName(domain));
    return true;
}

bool cmd_managedsave_remove(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    int has = domain ? virDomainHasManagedSaveImage(domain, 0) : -1;

    if (!domain)
        return false;
    if (has < 0)
        return shell_error(shell, "Failed to check for domain managed save image");
    if (has && virDomainManagedSaveRemove(domain, 0) < 0)
        return shell_error(shell, "Failed to remove managed save image for domain '%s'", virDomainGetName(domain));
    if (has)
        shell_print_extra(shell, "Removed managedsave image for domain '%s'\n", virDomainGetName(domain));
    else
        shell_print_extra(shell, "Domain '%s' has no manage save image; removal skipped", virDomainGetName(domain));
    return true;
}

bool cmd_managedsave_dumpxml(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int flags = cmd_has(cmd, "security-info") ? VIR_DOMAIN_SAVE_IMAGE_XML_SECURE : 0;

    return domain && virsh_print_xml(shell, cmd, virDomainManagedSaveGetXMLDesc(domain, flags));
}

bool cmd_managedsave_define(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *xml = NULL;

    if (!domain || !cmd_exclusive(shell, cmd, "running", "paused"))
        return false;
    xml = virsh_read_option(shell, cmd, "xml");
    if (!xml)
        return false;
    if (virDomainManagedSaveDefineXML(domain, xml, virsh_flags(cmd, save_flags)) < 0)
        return shell_error(shell, "Failed to update %s XML configuration", virDomainGetName(domain));
    shell_print_extra(shell, "Managed save state file of domain '%s' updated\n", virDomainGetName(domain));
    return true;
}

/* --- editing the XML of an image --- */

typedef struct {
    virConnectPtr conn;
    virDomainPtr domain; /* NULL: the image is the file */
    const char *path;
    unsigned int flags;
} EditImage;

static char *edit_image_get(Shell *shell, void *data)
{
    EditImage *edit = data;

    if (edit->domain)
        return virDomainManagedSaveGetXMLDesc(edit->domain, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);
    return virDomainSaveImageGetXMLDesc(edit->conn, edit->path, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);
}

static bool edit_image_set(Shell *shell, void *data, const char *xml)
{
    EditImage *edit = data;

    if (edit->domain)
        return virDomainManagedSaveDefineXML(edit->domain, xml, edit->flags) == 0;
    return virDomainSaveImageDefineXML(edit->conn, edit->path, xml, edit->flags) == 0;
}

bool cmd_managedsave_edit(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    EditImage data = {virsh_conn(shell), domain, NULL, cmd_flags(cmd)};
    g_autofree char *what = NULL;
    VirshEdit edit = {NULL, edit_image_get, edit_image_set, NULL, &data};

    if (!domain)
        return false;
    edit.what = what = g_strdup_printf("Managed save image of domain '%s' XML configuration", virDomainGetName(domain));
    return virsh_edit(shell, &edit);
}

bool cmd_save_image_edit(Shell *shell, const Cmd *cmd)
{
    EditImage data = {virsh_conn(shell), NULL, NULL, cmd_flags(cmd)};
    g_autofree char *what = NULL, *path = NULL;
    VirshEdit edit = {NULL, edit_image_get, edit_image_set, NULL, &data};
    const char *file = NULL;

    if (cmd_string(shell, cmd, "file", &file) <= 0)
        return false;
    data.path = path = absolute(file);
    edit.what = what = g_strdup_printf("Saved image %s XML configuration", file);
    return virsh_edit(shell, &edit);
}

bool cmd_save_image_dumpxml(Shell *shell, const Cmd *cmd)
{
    unsigned int flags = cmd_has(cmd, "security-info") ? VIR_DOMAIN_SAVE_IMAGE_XML_SECURE : 0;
    const char *file = NULL;
    g_autofree char *path = NULL;

    if (cmd_string(shell, cmd, "file", &file) <= 0)
        return false;
    path = absolute(file);
    return virsh_print_xml(shell, cmd, virDomainSaveImageGetXMLDesc(virsh_conn(shell), path, flags));
}

bool cmd_save_image_define(Shell *shell, const Cmd *cmd)
{
    const char *file = NULL;
    g_autofree char *path = NULL, *xml = NULL;

    if (cmd_string(shell, cmd, "file", &file) <= 0 || !cmd_exclusive(shell, cmd, "running", "paused"))
        return false;
    xml = virsh_read_option(shell, cmd, "xml");
    if (!xml)
        return false;
    path = absolute(file);
    if (virDomainSaveImageDefineXML(virsh_conn(shell), path, xml, virsh_flags(cmd, save_flags)) < 0)
        return shell_error(shell, "Failed to update %s", file);
    shell_print_extra(shell, "State file %s updated.\n", file);
    return true;
}

/* --- dump --- */

static int call_dump(void *opaque)
{
    SaveData *data = opaque;

    if (data->dump_format != VIR_DOMAIN_CORE_DUMP_FORMAT_RAW)
        return virDomainCoreDumpWithFormat(data->domain, data->path, data->dump_format, data->flags);
    return virDomainCoreDump(data->domain, data->path, data->flags);
}

bool cmd_dump(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"live", VIR_DUMP_LIVE},   {"crash", VIR_DUMP_CRASH},           {"bypass-cache", VIR_DUMP_BYPASS_CACHE},
        {"reset", VIR_DUMP_RESET}, {"memory-only", VIR_DUMP_MEMORY_ONLY}, {NULL, 0},
    };
    static const VirshName formats[] = {
        {VIR_DOMAIN_CORE_DUMP_FORMAT_RAW, "elf"},
        {VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB, "kdump-zlib"},
        {VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO, "kdump-lzo"},
        {VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY, "kdump-snappy"},
        {VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP, "win-dmp"},
        {0, NULL},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *path = NULL;
    const char *file = NULL, *format = NULL;
    SaveData data = {.domain = domain, .flags = virsh_flags(cmd, table)};

    if (!domain || cmd_string(shell, cmd, "file", &file) <= 0 || cmd_string(shell, cmd, "format", &format) < 0)
        return false;
    if (!cmd_exclusive(shell, cmd, "live", "crash"))
        return false;
    if (format && !cmd_has(cmd, "memory-only"))
        return shell_error(shell, "--format only works with --memory-only");
    if (format && !virsh_value(formats, format, &data.dump_format))
        return shell_error(shell, "format '%s' is not supported, expecting 'kdump-zlib', 'kdump-lzo', "
                                  "'kdump-snappy', 'win-dmp' or 'elf'", format);
    data.path = path = absolute(file);
    if (!long_call(shell, cmd, domain, "Dump", call_dump, &data))
        return shell_error(shell, "Failed to core dump domain '%s' to %s", virDomainGetName(domain), file);
    shell_print_extra(shell, "\nDomain '%s' dumped to %s\n", virDomainGetName(domain), file);
    return true;
}

/* --- jobs --- */

bool cmd_domjobabort(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int flags = cmd_has(cmd, "postcopy") ? VIR_DOMAIN_ABORT_JOB_POSTCOPY : 0;

    if (!domain)
        return false;
    return (flags ? virDomainAbortJobFlags(domain, flags) : virDomainAbortJob(domain)) == 0;
}

static const char *job_type(int type)
{
    static const VirshName types[] = {
        {VIR_DOMAIN_JOB_NONE, "None"},           {VIR_DOMAIN_JOB_BOUNDED, "Bounded"},
        {VIR_DOMAIN_JOB_UNBOUNDED, "Unbounded"}, {VIR_DOMAIN_JOB_COMPLETED, "Completed"},
        {VIR_DOMAIN_JOB_FAILED, "Failed"},       {VIR_DOMAIN_JOB_CANCELLED, "Cancelled"},
        {0, NULL},
    };

    return virsh_name(types, type, "unknown");
}

static void job_line(Shell *shell, const char *label, unsigned long long value, bool size)
{
    g_autofree char *text = size ? virsh_size_digits(value, 3) : g_strdup_printf("%-12llu ms", value);

    if (value)
        shell_print(shell, "%-17s %s\n", label, text);
}

static bool job_json(Shell *shell, int type, virTypedParameterPtr params, int count)
{
    json_object *document = json_object_new_object(), *values = json_object_new_object();

    shell_json_string(document, "type", job_type(type));
    for (int i = 0; i < count; i++)
        client_param_json(values, params[i].field, &params[i]);
    json_object_object_add(document, "stats", values);
    return shell_json_print(shell, document);
}

static bool job_text(Shell *shell, const Cmd *cmd, int type, virTypedParameterPtr params, int count)
{
    static const struct {
        const char *label, *field;
        bool size;
    } lines[] = {
        {"Time elapsed:", VIR_DOMAIN_JOB_TIME_ELAPSED, false},
        {"Time remaining:", VIR_DOMAIN_JOB_TIME_REMAINING, false},
        {"Data processed:", VIR_DOMAIN_JOB_DATA_PROCESSED, true},
        {"Data remaining:", VIR_DOMAIN_JOB_DATA_REMAINING, true},
        {"Data total:", VIR_DOMAIN_JOB_DATA_TOTAL, true},
        {"Memory processed:", VIR_DOMAIN_JOB_MEMORY_PROCESSED, true},
        {"Memory remaining:", VIR_DOMAIN_JOB_MEMORY_REMAINING, true},
        {"Memory total:", VIR_DOMAIN_JOB_MEMORY_TOTAL, true},
        {"File processed:", VIR_DOMAIN_JOB_DISK_PROCESSED, true},
        {"File remaining:", VIR_DOMAIN_JOB_DISK_REMAINING, true},
        {"File total:", VIR_DOMAIN_JOB_DISK_TOTAL, true},
        {"Total downtime:", VIR_DOMAIN_JOB_DOWNTIME, false},
    };

    shell_print(shell, "%-17s %-12s\n", "Job type:", job_type(type));
    for (int i = 0; i < count && cmd_has(cmd, "rawstats"); i++) {
        g_autofree char *text = client_param_text(&params[i]);
        shell_print(shell, "%s: %s\n", params[i].field, text);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lines) && !cmd_has(cmd, "rawstats"); i++) {
        unsigned long long value = 0;
        if (virTypedParamsGetULLong(params, count, lines[i].field, &value) > 0)
            job_line(shell, lines[i].label, value, lines[i].size);
    }
    return true;
}

bool cmd_domjobinfo(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    unsigned int flags = 0;
    virTypedParameterPtr params = NULL;
    virDomainJobInfo info;
    int count = 0, type = 0;
    bool done;

    if (!domain)
        return false;
    if (cmd_has(cmd, "completed"))
        flags |= VIR_DOMAIN_JOB_STATS_COMPLETED;
    if (cmd_has(cmd, "keep-completed"))
        flags |= VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED;
    if (virDomainGetJobStats(domain, &type, &params, &count, flags) < 0) {
        if (client_error_code() != VIR_ERR_NO_SUPPORT)
            return false;
        if (flags || cmd_has(cmd, "rawstats"))
            return shell_error(shell, "Optional flags or --rawstats are not supported by the daemon");
        client_error_forget();
        if (virDomainGetJobInfo(domain, &info) < 0)
            return false;
        type = info.type;
    }
    done = shell_json(cmd) ? job_json(shell, type, params, count) : job_text(shell, cmd, type, params, count);
    virTypedParamsFree(params, count);
    return done;
}
