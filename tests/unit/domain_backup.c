/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Backups and what is told of jobs. The codes are those of the reference with QEMU.
 */
#include "fake_backend.h"
#include "domain/api.h"
#include "model/domainbackup_def.h"
#include "model/domaincheckpoint_def.h"

typedef struct Fixture { char *root; FakeHost *f; virDomainPtr dom; } Fixture;

static Guest *running;        /* the guest that the backup is of */
static gint fail_begin, aborts, points;

static int fake_begin(Guest *guest, DomainBackupDef *backup, DomainCheckpointDef *checkpoint, unsigned int flags)
{
    if (g_atomic_int_get(&fail_begin)) {
        error_report(VIR_FROM_NONE, VIR_ERR_INTERNAL_ERROR, "fake: no backup today");
        return -1;
    }
    for (guint i = 0; i < backup->disks.n_disks; i++)
        backup->disks.disks[i]->index = 5 + i;
    running = guest;
    points += checkpoint != NULL;
    return 0;
}

static int fake_abort(Guest *guest, unsigned int flags)
{
    g_atomic_int_inc(&aborts);
    guest_upcall_backup_ended(guest, &(virDomainJobInfo) { .type = VIR_DOMAIN_JOB_CANCELLED });
    return 0;
}

static void fake_progress(Guest *guest, virDomainJobInfoPtr info)
{
    info->type = VIR_DOMAIN_JOB_BOUNDED;
    info->fileTotal = info->dataTotal = 100;
    info->fileProcessed = info->dataProcessed = 40;
    info->fileRemaining = info->dataRemaining = 60;
}

static int fake_checkpoint(DomainHost *host, Guest *guest, DomainCheckpointDef *checkpoint, unsigned int flags)
{
    return 0;
}

static void setup(Fixture *x, gconstpointer data)
{
    fake_backend.backup_begin = fake_begin;
    fake_backend.job_abort = fake_abort;
    fake_backend.job_progress = fake_progress;
    fake_backend.checkpoint_create = fake_checkpoint;
    fail_begin = aborts = points = 0;
    x->root = g_dir_make_tmp("domain-backup-XXXXXX", NULL);
    x->f = fake_host_new(x->root);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
    g_autoptr(GString) disks = g_string_new(NULL);
    for (const char *const *name = (const char *const []) { "vda", "vdb", NULL }; *name; name++) {
        g_autofree char *path = g_strdup_printf("%s/%s.img", x->root, *name);
        g_assert_true(g_file_set_contents(path, "", 0, NULL));
        g_string_append_printf(disks, "<disk type='file'><driver type='qcow2'/><source file='%s'/><target dev='%s' "
                               "bus='virtio'/></disk>", path, *name);
    }
    g_autofree char *xml = g_strdup_printf("<domain type='qemu'><name>d</name><uuid>3a57d2d6-fb20-404d-b591-000000000001</uuid>"
        "<memory>1</memory><os><type arch='x86_64'>hvm</type></os><devices>%s<disk type='file' device='cdrom'>"
        "<target dev='hdc' bus='ide'/></disk></devices></domain>", disks->str);
    x->dom = x->f->table.domain_define_xml(x->f->conn, xml);
    g_assert_nonnull(x->dom);
}

static void teardown(Fixture *x, gconstpointer data)
{
    const char *const argv[] = { "rm", "-rf", x->root, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) out = { 0 };
    spec.argv = argv;
    if (x->f->table.domain_is_active(x->dom) == 1)
        g_assert_cmpint(x->f->table.domain_destroy(x->dom), ==, 0);
    object_unref(x->dom);
    fake_host_free(x->f);
    g_assert_cmpint(process_run_checked(&spec, NULL, 0, 4096, 20000, &out), ==, 0);
    g_free(x->root);
}

static int code_of(Fixture *x, const char *xml, const char *checkpoint)
{
    int rc = x->f->table.domain_backup_begin(x->dom, xml, checkpoint, 0);
    int code = rc < 0 ? error_code() : VIR_ERR_OK;
    virResetLastError();
    return code;
}

static char *description(Fixture *x)
{
    return x->f->table.domain_backup_get_xml_desc(x->dom, 0);
}

static void end(int type)
{
    guest_upcall_backup_ended(running, &(virDomainJobInfo) { .type = type, .fileTotal = 100, .fileProcessed = 100 });
}

#define PUSH(inside) "<domainbackup>" inside "</domainbackup>"
#define PULL(inside) "<domainbackup mode='pull'>" inside "</domainbackup>"
#define SERVER "<server transport='unix' socket='/s'/>"
#define DISK(rest) "<disks><disk name='vda' " rest "</disks>"

static const struct { const char *xml; int code; } documents[] = {
    { "<foo/>", VIR_ERR_XML_ERROR },
    { "x", VIR_ERR_XML_DETAIL },
    { PUSH("<nonsense/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { "<domainbackup mode='xx'/>", VIR_ERR_XML_INVALID_SCHEMA },
    { PULL(""), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(SERVER), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL("<server transport='unix' socket='s'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL("<server transport='unix'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL("<server transport='tcp'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL("<server transport='rdma' name='x'/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL("<server name='localhost'/>"), VIR_ERR_OPERATION_UNSUPPORTED },
    { PULL("<server tls='yes' name='localhost'/>"), VIR_ERR_OPERATION_UNSUPPORTED },
    { PUSH("<incremental>zz</incremental>"), VIR_ERR_NO_DOMAIN_CHECKPOINT },
    { PUSH(DISK("/>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("backup='no'/>")), VIR_ERR_CONFIG_UNSUPPORTED },
    { PUSH(DISK("backup='xx'/>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH("<disks><disk name='/vda.img' type='file'/></disks>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH("<disks><disk name='vdz' type='file'/></disks>"), VIR_ERR_CONFIG_UNSUPPORTED },
    { PUSH("<disks><disk name='vda' type='file'/><disk name='vda' type='file'/></disks>"), VIR_ERR_CONFIG_UNSUPPORTED },
    { PUSH("<disks><disk name='hdc' type='file'/></disks>"), VIR_ERR_CONFIG_UNSUPPORTED },
    { PUSH("<disks><disk type='file'/></disks>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH("<disks/>"), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='file'><target file='/t'/><driver type='xx'/></disk>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='file'><target file='t'/></disk>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='file'><scratch file='/t'/></disk>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='file' exportname='e'/>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='network'/>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='file' backupmode='incremental'/>")), VIR_ERR_CONFIG_UNSUPPORTED },
    { PUSH(DISK("type='file' backupmode='incremental' incremental='zz'/>")), VIR_ERR_NO_DOMAIN_CHECKPOINT },
    { PUSH(DISK("type='file' backupmode='full' incremental='zz'/>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PUSH(DISK("type='file' backupmode='x'/>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL(SERVER DISK("><target file='/t'/></disk>")), VIR_ERR_XML_INVALID_SCHEMA },
    { PULL(SERVER DISK("type='file'><scratch file='/t'/><driver type='raw'/></disk>")), VIR_ERR_XML_INVALID_SCHEMA },
};

static void test_refused(Fixture *x, gconstpointer data)
{
    g_assert_cmpint(code_of(x, PUSH(""), NULL), ==, VIR_ERR_OPERATION_UNSUPPORTED); /* inactive */
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(documents); i++) {
        g_test_message("%s", documents[i].xml);
        g_assert_cmpint(code_of(x, documents[i].xml, NULL), ==, documents[i].code);
        g_assert_null(description(x));
        g_assert_cmpint(error_code(), ==, VIR_ERR_NO_DOMAIN_BACKUP);
    }
    g_assert_cmpint(code_of(x, PUSH(""), "<foo/>"), ==, VIR_ERR_XML_ERROR);
    g_assert_cmpint(code_of(x, PUSH("<incremental>zz</incremental>"), "<domaincheckpoint/>"), ==, VIR_ERR_NO_DOMAIN_CHECKPOINT);
    g_atomic_int_set(&fail_begin, 1);
    g_assert_cmpint(code_of(x, PUSH(""), "<domaincheckpoint/>"), ==, VIR_ERR_INTERNAL_ERROR);
    g_assert_null(description(x));
    g_assert_cmpint(x->f->table.domain_list_all_checkpoints(x->dom, NULL, 0), ==, 0);
}

static void test_push(Fixture *x, gconstpointer data)
{
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    g_assert_cmpint(code_of(x, PUSH(""), "<domaincheckpoint><name>c</name></domaincheckpoint>"), ==, VIR_ERR_OK);
    g_autofree char *xml = description(x);
    g_assert_nonnull(strstr(xml, "<disk name='vda' backup='yes' type='file' backupmode='full' index='5'>\n      <driver type='qcow2'/>"
                            "\n      <target file='"));
    g_assert_nonnull(strstr(xml, "/vda.img."));
    g_assert_nonnull(strstr(xml, "<disk name='hdc' backup='no'"));
    g_assert_cmpint(points, ==, 1);
    g_assert_cmpint(x->f->table.domain_list_all_checkpoints(x->dom, NULL, 0), ==, 1);
    g_assert_cmpint(code_of(x, PUSH(""), NULL), ==, VIR_ERR_OPERATION_INVALID); /* one at a time */
    end(VIR_DOMAIN_JOB_COMPLETED);
    g_assert_null(description(x));
    virResetLastError();
    g_assert_cmpint(code_of(x, PUSH("<incremental>c</incremental>" DISK("type='file'><target file='/t'/><driver type='raw'/></disk>")),
                            NULL), ==, VIR_ERR_OK);
    g_autofree char *next = description(x);
    g_assert_nonnull(strstr(next, "backupmode='incremental' incremental='c'"));
    g_assert_nonnull(strstr(next, "<driver type='raw'/>"));
    g_assert_nonnull(strstr(next, "<disk name='vdb' backup='no'"));
    g_assert_cmpint(x->f->table.domain_destroy(x->dom), ==, 0);
    g_assert_null(description(x)); /* it ended with its guest */
    virResetLastError();
}

static void test_pull(Fixture *x, gconstpointer data)
{
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    g_assert_cmpint(code_of(x, PULL(SERVER), NULL), ==, VIR_ERR_OK);
    g_autofree char *xml = description(x);
    g_assert_nonnull(strstr(xml, "<server transport='unix' socket='/s'/>"));
    g_assert_nonnull(strstr(xml, "exportname='vda' index='5'"));
    g_assert_nonnull(strstr(xml, "<scratch file='"));
    end(VIR_DOMAIN_JOB_COMPLETED);
    g_assert_cmpint(code_of(x, PULL("<server name='localhost' port='10809'/>"), NULL), ==, VIR_ERR_OK);
    g_autofree char *tcp = description(x);
    g_assert_nonnull(strstr(tcp, "<server transport='tcp' name='localhost' port='10809'/>"));
}

static void restart(Fixture *x)
{
    object_unref(x->dom);
    fake_host_free(x->f);
    x->f = fake_host_new(x->root);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
    x->dom = x->f->table.domain_lookup_by_name(x->f->conn, "d");
    g_assert_nonnull(x->dom);
}

/* A backup goes on while no daemon runs. */
static void test_restart(Fixture *x, gconstpointer data)
{
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    g_assert_cmpint(code_of(x, PULL(SERVER), NULL), ==, VIR_ERR_OK);
    g_autofree char *before = description(x);
    restart(x);
    g_autofree char *after = description(x);
    g_assert_cmpstr(before, ==, after);
    g_assert_cmpint(code_of(x, PUSH(""), NULL), ==, VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(x->f->table.domain_abort_job(x->dom), ==, 0);
    g_assert_null(description(x));
    virResetLastError();
    restart(x);
    g_assert_null(description(x));
    virResetLastError();
}

/* ---- jobs ---- */

static void expect_stats(Fixture *x, unsigned int flags, int type, unsigned long long total)
{
    virTypedParameterPtr params = NULL;
    unsigned long long found = 0;
    int n, told, operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    g_assert_cmpint(x->f->table.domain_get_job_stats(x->dom, &told, &params, &n, flags), ==, 0);
    g_assert_cmpint(told, ==, type);
    virTypedParamsGetULLong(params, n, VIR_DOMAIN_JOB_DISK_TOTAL, &found);
    virTypedParamsGetInt(params, n, VIR_DOMAIN_JOB_OPERATION, &operation);
    g_assert_cmpuint(found, ==, total);
    g_assert_cmpint(operation, ==, total ? VIR_DOMAIN_JOB_OPERATION_BACKUP : operation);
    virTypedParamsFree(params, n);
}

static void test_jobs(Fixture *x, gconstpointer data)
{
    virDomainJobInfo info;
    g_assert_cmpint(x->f->table.domain_get_job_info(x->dom, &info), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    expect_stats(x, 0, VIR_DOMAIN_JOB_NONE, 0);
    g_assert_cmpint(x->f->table.domain_abort_job(x->dom), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(aborts, ==, 0);
    g_assert_cmpint(code_of(x, PUSH(""), NULL), ==, VIR_ERR_OK);
    expect_stats(x, 0, VIR_DOMAIN_JOB_BOUNDED, 100);
    g_assert_cmpint(x->f->table.domain_get_job_info(x->dom, &info), ==, 0);
    g_assert_cmpint(info.type, ==, VIR_DOMAIN_JOB_BOUNDED);
    g_assert_cmpuint(info.dataRemaining, ==, 60);
    end(VIR_DOMAIN_JOB_COMPLETED);
    expect_stats(x, 0, VIR_DOMAIN_JOB_NONE, 0);
    expect_stats(x, VIR_DOMAIN_JOB_STATS_COMPLETED | VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED, VIR_DOMAIN_JOB_COMPLETED, 100);
    expect_stats(x, VIR_DOMAIN_JOB_STATS_COMPLETED, VIR_DOMAIN_JOB_COMPLETED, 100);
    expect_stats(x, VIR_DOMAIN_JOB_STATS_COMPLETED, VIR_DOMAIN_JOB_NONE, 0);
    g_assert_cmpint(code_of(x, PUSH(""), NULL), ==, VIR_ERR_OK);
    g_assert_cmpint(x->f->table.domain_abort_job(x->dom), ==, 0);
    g_assert_cmpint(aborts, ==, 1);
    g_assert_null(description(x));
    virResetLastError();
    expect_stats(x, VIR_DOMAIN_JOB_STATS_COMPLETED, VIR_DOMAIN_JOB_CANCELLED, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) g_test_add("/domain/backup/" path, Fixture, NULL, setup, fn, teardown)
    ADD("refused", test_refused);
    ADD("push", test_push);
    ADD("pull", test_pull);
    ADD("restart", test_restart);
    ADD("jobs", test_jobs);
    return g_test_run();
}
