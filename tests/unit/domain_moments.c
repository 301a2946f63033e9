/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Trees of snapshots and checkpoints in memory and on disk.
 */
#include "fake_backend.h"
#include "base/file.h"
#include "domain/persist.h"
#include <sys/wait.h>

typedef struct Fixture { char *root; FakeHost *f; virDomainPtr dom; } Fixture;

static int fake_create(DomainHost *host, Guest *guest, DomainSnapshotDef *snapshot, unsigned int flags)
{
    return snapshot->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT;
}

static int fake_revert(DomainHost *host, const DomainSnapshotDef *snapshot, unsigned int flags)
{
    return 0;
}

static int fake_checkpoint(DomainHost *host, Guest *guest, DomainCheckpointDef *checkpoint, unsigned int flags)
{
    return 0;
}

static int fake_sizes(Guest *guest, DomainCheckpointDef *checkpoint)
{
    for (guint i = 0; i < checkpoint->disks.n_disks; i++) {
        checkpoint->disks.disks[i]->has_size = true;
        checkpoint->disks.disks[i]->size = 12345;
    }
    return 0;
}

static void setup(Fixture *x, gconstpointer data)
{
    fake_backend.checkpoint_sizes = fake_sizes;
    fake_backend.checkpoint_create = fake_checkpoint;
    fake_backend.snapshot_create = fake_create;
    fake_backend.snapshot_revert = fake_revert;
    x->root = g_dir_make_tmp("domain-moments-XXXXXX", NULL);
    x->f = fake_host_new(x->root);
    g_assert_cmpint(host_load(x->f->host), ==, 0);
    x->dom = fake_define(x->f, "d", 1);
    g_assert_nonnull(x->dom);
}

static void teardown(Fixture *x, gconstpointer data)
{
    const char *const argv[] = { "rm", "-rf", x->root, NULL };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    g_auto(ProcessOutput) out = { 0 };
    spec.argv = argv;
    object_unref(x->dom);
    fake_host_free(x->f);
    g_assert_cmpint(process_run_checked(&spec, NULL, 0, 4096, 20000, &out), ==, 0);
    g_free(x->root);
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

static void expect_code(int code)
{
    g_assert_cmpint(error_code(), ==, code);
    virResetLastError();
}

static virDomainSnapshotPtr create(Fixture *x, const char *name, const char *inside, unsigned int flags)
{
    g_autofree char *xml = g_strdup_printf("<domainsnapshot><name>%s</name>%s</domainsnapshot>", name, inside);
    return x->f->table.domain_snapshot_create_xml(x->dom, xml, flags);
}

static void must_create(Fixture *x, const char *name)
{
    virDomainSnapshotPtr snapshot = create(x, name, "", 0);
    g_assert_nonnull(snapshot);
    object_unref(snapshot);
}

/* The tree as "child<parent" in order of the list, with a star behind the current one. */
static char *tree(Fixture *x, unsigned int flags)
{
    virDomainSnapshotPtr *list = NULL;
    int n = x->f->table.domain_list_all_snapshots(x->dom, &list, flags);
    g_assert_cmpint(n, >=, 0);
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < n; i++) {
        virDomainSnapshotPtr parent = x->f->table.domain_snapshot_get_parent(list[i], 0);
        gboolean current = x->f->table.domain_snapshot_is_current(list[i], 0) == 1;
        g_string_append_printf(text, "%s%s%s%s ", list[i]->name, parent ? "<" : "", parent ? parent->name : "",
                               current ? "*" : "");
        object_unref(parent);
    }
    virResetLastError();
    object_list_free(list, (size_t) n);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void expect_tree(Fixture *x, unsigned int flags, const char *expected)
{
    g_autofree char *text = tree(x, flags);
    g_assert_cmpstr(text, ==, expected);
}

static void with_snapshot(Fixture *x, const char *name, int (*fn)(virDomainSnapshotPtr, unsigned int), unsigned int flags)
{
    virDomainSnapshotPtr snapshot = x->f->table.domain_snapshot_lookup_by_name(x->dom, name, 0);
    g_assert_nonnull(snapshot);
    g_assert_cmpint(fn(snapshot, flags), ==, 0);
    object_unref(snapshot);
}

static void test_tree_on_disk(Fixture *x, gconstpointer data)
{
    expect_tree(x, 0, "");
    must_create(x, "a");
    must_create(x, "b");
    must_create(x, "c");
    with_snapshot(x, "a", x->f->table.domain_revert_to_snapshot, 0);
    must_create(x, "e");
    expect_tree(x, 0, "a b<a c<b e<a* ");
    expect_tree(x, VIR_DOMAIN_SNAPSHOT_LIST_ROOTS, "a ");
    expect_tree(x, VIR_DOMAIN_SNAPSHOT_LIST_LEAVES, "c<b e<a* ");
    with_snapshot(x, "a", x->f->table.domain_revert_to_snapshot, 0);
    restart(x);
    expect_tree(x, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL, "a* b<a c<b e<a ");
    with_snapshot(x, "b", x->f->table.domain_snapshot_delete, 0);
    restart(x);
    expect_tree(x, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL, "a* c<a e<a ");
    with_snapshot(x, "e", x->f->table.domain_revert_to_snapshot, 0);
    with_snapshot(x, "a", x->f->table.domain_snapshot_delete, VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY);
    expect_tree(x, 0, "a* ");
    g_assert_cmpint(x->f->table.domain_undefine(x->dom), ==, -1);
    expect_code(VIR_ERR_OPERATION_INVALID);
    g_assert_cmpint(x->f->table.domain_undefine_flags(x->dom, VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA), ==, 0);
    g_autofree char *folder = g_strdup_printf("%s/d", host_paths(x->f->host)->snapshot);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    object_unref(x->dom);
    x->dom = fake_define(x->f, "d", 1);
    expect_tree(x, 0, "");
}

static void test_names(Fixture *x, gconstpointer data)
{
    const char *const bad[] = { "a/b", "../a", ".hidden" };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(create(x, bad[i], "", 0));
        expect_code(VIR_ERR_XML_ERROR);
    }
    must_create(x, "a");
    g_assert_null(create(x, "a", "", 0));
    expect_code(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(x->f->table.domain_rename(x->dom, "other", 0), ==, -1);
    expect_code(VIR_ERR_OPERATION_INVALID);
}

static void write_file(Fixture *x, const char *name, const char *text)
{
    g_autofree char *folder = g_strdup_printf("%s/d", host_paths(x->f->host)->snapshot);
    g_autofree char *path = persist_path(folder, name, "xml");
    g_assert_cmpint(file_mkdirs(folder, 0700, FILE_OWNER_KEEP, FILE_GROUP_KEEP), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *snapshot_text(const char *name, const char *parent, int active)
{
    g_autofree char *domain = fake_xml("d", 1);
    return g_strdup_printf("<domainsnapshot><name>%s</name><state>shutoff</state><parent><name>%s</name></parent>"
                           "<creationTime>%d</creationTime>%s<active>%d</active></domainsnapshot>", name, parent,
                           name[0], domain, active);
}

/* Whatever lies there: what is a tree comes out, the rest is left alone. */
static void test_bad_files(Fixture *x, gconstpointer data)
{
    const char *const names[][2] = { { "a", "b" }, { "b", "a" }, { "c", "c" }, { "d", "gone" }, { "e", "d" } };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = snapshot_text(names[i][0], names[i][1], 1);
        write_file(x, names[i][0], text);
    }
    g_autofree char *misplaced = snapshot_text("x", "a", 0);
    write_file(x, "y", misplaced);
    write_file(x, "z", "not XML");
    write_file(x, "w", "<domainsnapshot><name>w</name><state>running</state><creationTime>5</creationTime></domainsnapshot>");
    restart(x);
    g_autofree char *found = tree(x, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
    g_assert_nonnull(strstr(found, "e<d*"));
    g_assert_nonnull(strstr(found, "c "));
    g_assert_cmpint(x->f->table.domain_snapshot_num(x->dom, 0), ==, 5);
    g_assert_cmpint(x->f->table.domain_snapshot_num(x->dom, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL), ==, 5);
}

/* A crash between two writes leaves two that are marked; which one is the current is decided once and for all. */
static void test_two_marks(Fixture *x, gconstpointer data)
{
    const char *const names[] = { "a", "b", "c" };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = snapshot_text(names[i], i ? names[i - 1] : "gone", i > 0);
        write_file(x, names[i], text);
    }
    restart(x);
    expect_tree(x, 0, "a b<a c<b* ");
    with_snapshot(x, "a", x->f->table.domain_revert_to_snapshot, 0);
    restart(x);
    expect_tree(x, 0, "a* b<a c<b ");
}

/* Deep as can be: nothing recurses. */
static void test_deep(Fixture *x, gconstpointer data)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify) moment_unref);
    for (guint i = 0; i < MOMENTS_MAX; i++) {
        DomainSnapshotDef *def = xml_struct_new(DOMAIN_SNAPSHOT_ROOT.desc);
        def->name = g_strdup_printf("s%u", i);
        if (i > 0) {
            def->parent = xml_struct_new(&DOMAIN_MOMENT_PARENT_DESC);
            def->parent->name = g_strdup_printf("s%u", i - 1);
        }
        g_ptr_array_add(all, moment_new(&MOMENT_SNAPSHOT, def));
    }
    g_autoptr(MomentSet) set = moments_new(all, "s0");
    g_autoptr(GPtrArray) below = moments_select(set, &(MomentQuery) { .below = "s0" });
    g_assert_cmpint(below->len, ==, MOMENTS_MAX - 1);
    DomainState full = { .name = (char *) "d", .snapshots = set };
    g_assert_cmpint(moments_check_room(&MOMENT_SNAPSHOT, &full), ==, -1);
    expect_code(VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(moments_check_room(&MOMENT_CHECKPOINT, &full), ==, 0);
    g_assert_true(moments_descends(set, "s16000", "s1"));
    g_assert_false(moments_descends(set, "s1", "s16000"));
    g_autoptr(MomentSet) less = moments_without(&MOMENT_SNAPSHOT, set, "s0", NULL);
    g_assert_cmpint(moments_count(less), ==, MOMENTS_MAX - 1);
    g_assert_null(less->current);
    g_assert_null(moments_find(less, "s1")->parent);
}

static void test_transient(Fixture *x, gconstpointer data)
{
    g_autofree char *xml = fake_xml("t", 2);
    virDomainPtr dom = x->f->table.domain_create_xml(x->f->conn, xml, 0);
    g_assert_nonnull(dom);
    virDomainSnapshotPtr snapshot = x->f->table.domain_snapshot_create_xml(dom, "<domainsnapshot><name>s</name>"
                                                                          "</domainsnapshot>", 0);
    g_assert_nonnull(snapshot);
    g_assert_cmpint(x->f->table.domain_revert_to_snapshot(snapshot, 0), ==, 0);
    g_assert_cmpint(x->f->table.domain_is_active(dom), ==, 1);
    g_assert_cmpint(x->f->table.domain_is_persistent(dom), ==, 0);
    g_atomic_int_set(&x->f->rules.fail_start, 1);
    g_assert_cmpint(x->f->table.domain_revert_to_snapshot(snapshot, 0), ==, -1);
    expect_code(VIR_ERR_INTERNAL_ERROR);
    g_assert_null(x->f->table.domain_lookup_by_name(x->f->conn, "t"));
    expect_code(VIR_ERR_NO_DOMAIN);
    g_autofree char *folder = g_strdup_printf("%s/t", host_paths(x->f->host)->snapshot);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    object_unref(snapshot);
    object_unref(dom);
}

/* Checkpoints lie beside snapshots, and both end with a transient domain; also if no daemon saw it end. */
static void test_transient_over_restart(Fixture *x, gconstpointer data)
{
    g_autofree char *xml = fake_xml("t", 2);
    virDomainPtr dom = x->f->table.domain_create_xml(x->f->conn, xml, 0);
    virDomainSnapshotPtr snapshot = x->f->table.domain_snapshot_create_xml(dom, "<domainsnapshot><name>s</name>"
                                                                          "</domainsnapshot>", 0);
    g_assert_nonnull(snapshot);
    g_assert_null(x->f->table.domain_snapshot_create_xml(dom, "<domainsnapshot><name>h</name></domainsnapshot>",
                                                         VIR_DOMAIN_SNAPSHOT_CREATE_HALT));
    expect_code(VIR_ERR_OPERATION_INVALID);
    object_unref(snapshot);
    object_unref(dom);
    restart(x);
    dom = x->f->table.domain_lookup_by_name(x->f->conn, "t");
    g_assert_cmpint(x->f->table.domain_snapshot_num(dom, 0), ==, 1);
    g_assert_cmpint(x->f->table.domain_destroy(dom), ==, 0);
    g_autofree char *folder = g_strdup_printf("%s/t", host_paths(x->f->host)->snapshot);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    object_unref(dom);
}

static void test_checkpoints(Fixture *x, gconstpointer data)
{
    g_autofree char *with_disk = g_strdup_printf("<domain type='qemu'><name>d</name><uuid>3a57d2d6-fb20-404d-b591-%012x</uuid>"
        "<memory>1</memory><os><type arch='x86_64'>hvm</type></os><devices><disk type='file'><source file='/x'/>"
        "<target dev='vda' bus='virtio'/></disk></devices></domain>", 1);
    virDomainPtr same = x->f->table.domain_define_xml(x->f->conn, with_disk);
    g_assert_nonnull(same);
    object_unref(same);
    g_assert_null(x->f->table.domain_checkpoint_create_xml(x->dom, "<domaincheckpoint/>", 0));
    expect_code(VIR_ERR_OPERATION_UNSUPPORTED); /* it doesn't run */
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *xml = g_strdup_printf("<domaincheckpoint><name>c%u</name></domaincheckpoint>", i);
        virDomainCheckpointPtr point = x->f->table.domain_checkpoint_create_xml(x->dom, xml, 0);
        g_assert_nonnull(point);
        object_unref(point);
    }
    restart(x);
    virDomainCheckpointPtr point = x->f->table.domain_checkpoint_lookup_by_name(x->dom, "c1", 0);
    virDomainCheckpointPtr parent = x->f->table.domain_checkpoint_get_parent(point, 0);
    g_assert_cmpstr(parent->name, ==, "c0");
    g_autofree char *sized = x->f->table.domain_checkpoint_get_xml_desc(point, VIR_DOMAIN_CHECKPOINT_XML_SIZE);
    g_assert_nonnull(strstr(sized, "size='12345'"));
    g_assert_cmpint(x->f->table.domain_checkpoint_delete(parent, 0), ==, 0);
    g_assert_null(x->f->table.domain_checkpoint_get_parent(point, 0));
    expect_code(VIR_ERR_NO_DOMAIN_CHECKPOINT);
    g_assert_cmpint(x->f->table.domain_destroy(x->dom), ==, 0);
    g_assert_cmpint(x->f->table.domain_undefine_flags(x->dom, VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA), ==, -1);
    expect_code(VIR_ERR_OPERATION_INVALID);
    object_unref(parent);
    object_unref(point);
}

/* Redefine the domain with metadata of @depth elements in each other. */
static gboolean define_deep(Fixture *x, guint depth)
{
    g_autoptr(GString) xml = g_string_new("<domain type='qemu'><name>d</name>"
        "<uuid>3a57d2d6-fb20-404d-b591-000000000001</uuid><memory>1</memory><os><type arch='x86_64'>hvm</type></os>"
        "<metadata><m:m xmlns:m='urn:m'>");
    for (guint i = 1; i < depth; i++)
        g_string_append(xml, "<m:m>");
    for (guint i = 0; i < depth; i++)
        g_string_append(xml, "</m:m>");
    g_string_append(xml, "</metadata></domain>");
    virDomainPtr same = x->f->table.domain_define_xml(x->f->conn, xml->str);
    object_unref(same);
    return same != NULL;
}

/* As many disks as a domain can have. */
static void test_many_disks(Fixture *x, gconstpointer data)
{
    enum { DISKS = 4000 };
    g_autoptr(GString) xml = g_string_new("<domain type='qemu'><name>d</name><uuid>3a57d2d6-fb20-404d-b591-000000000001</uuid>"
                                          "<memory>1</memory><os><type arch='x86_64'>hvm</type></os><devices>");
    for (guint i = 0; i < DISKS; i++)
        g_string_append_printf(xml, "<disk type='file'><source file='/%u'/><target dev='vd%c%c%c' bus='virtio'/></disk>", i,
                               'a' + i / 676, 'a' + i / 26 % 26, 'a' + i % 26);
    g_string_append(xml, "</devices></domain>");
    virDomainPtr same = x->f->table.domain_define_xml(x->f->conn, xml->str);
    g_assert_nonnull(same);
    object_unref(same);
    must_create(x, "a");
    restart(x);
    expect_tree(x, 0, "a* ");
}

/* Secrets are kept, and told only to those who may know them. */
static void test_secrets(Fixture *x, gconstpointer data)
{
    virDomainPtr same = x->f->table.domain_define_xml(x->f->conn, "<domain type='qemu'><name>d</name><uuid>3a57d2d6-fb20-404d-"
        "b591-000000000001</uuid><memory>1</memory><os><type arch='x86_64'>hvm</type></os><devices><graphics type='vnc' "
        "passwd='verysecret'/></devices></domain>");
    g_assert_nonnull(same);
    object_unref(same);
    must_create(x, "a");
    restart(x);
    virDomainSnapshotPtr snapshot = x->f->table.domain_snapshot_lookup_by_name(x->dom, "a", 0);
    g_autofree char *plain = x->f->table.domain_snapshot_get_xml_desc(snapshot, 0);
    g_autofree char *secure = x->f->table.domain_snapshot_get_xml_desc(snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
    g_assert_null(strstr(plain, "verysecret"));
    g_assert_nonnull(strstr(secure, "verysecret"));
    object_unref(snapshot);
}

/* Disks only: the domain goes on with new images, whose names are made of the old ones. */
static void test_external(Fixture *x, gconstpointer data)
{
    g_autofree char *image = g_strdup_printf("%s/disk.img", x->root);
    g_autofree char *xml = g_strdup_printf("<domain type='qemu'><name>d</name><uuid>3a57d2d6-fb20-404d-b591-000000000001</uuid>"
        "<memory>1</memory><os><type arch='x86_64'>hvm</type></os><devices><disk type='file'><driver name='qemu' type='raw'/>"
        "<source file='%s'/><target dev='vda' bus='virtio'/></disk></devices></domain>", image);
    g_assert_true(g_file_set_contents(image, "", 0, NULL));
    virDomainPtr same = x->f->table.domain_define_xml(x->f->conn, xml);
    g_assert_nonnull(same);
    object_unref(same);
    g_assert_cmpint(x->f->table.domain_create(x->dom), ==, 0);
    virDomainSnapshotPtr snapshot = create(x, "s", "", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY);
    g_assert_nonnull(snapshot);
    for (guint live = 0; live < 2; live++) {
        g_autofree char *now = x->f->table.domain_get_xml_desc(x->dom, live ? 0 : VIR_DOMAIN_XML_INACTIVE);
        g_assert_nonnull(strstr(now, "/disk.s'"));
        g_assert_nonnull(strstr(now, "type='qcow2'"));
    }
    g_autofree char *text = x->f->table.domain_snapshot_get_xml_desc(snapshot, 0);
    g_assert_nonnull(strstr(text, "/disk.img'"));
    g_assert_nonnull(strstr(text, "<inactiveDomain"));
    object_unref(snapshot);
    g_assert_null(create(x, "m", "<memory snapshot='external' file='/m'/>", VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY));
    expect_code(VIR_ERR_CONFIG_UNSUPPORTED);
    snapshot = create(x, "n", "", VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA);
    g_assert_nonnull(snapshot);
    object_unref(snapshot);
    expect_tree(x, 0, "s* ");
    with_snapshot(x, "s", x->f->table.domain_revert_to_snapshot, VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING);
    for (guint live = 0; live < 2; live++) {
        g_autofree char *now = x->f->table.domain_get_xml_desc(x->dom, live ? 0 : VIR_DOMAIN_XML_INACTIVE);
        g_assert_nonnull(strstr(now, "/disk.img'"));
    }
    g_assert_cmpint(x->f->table.domain_destroy(x->dom), ==, 0);
}

/* What couldn't be read again is refused when it is made; what a former domain of the name left is nobody's. */
static void test_not_readable(Fixture *x, gconstpointer data)
{
    guint depth = XML_MAX_DEPTH;
    while (depth > 0 && !define_deep(x, depth))
        depth--;
    g_assert_cmpuint(depth, >, XML_MAX_DEPTH - 5);
    g_assert_null(create(x, "deep", "", 0));
    expect_code(VIR_ERR_XML_DETAIL);
    expect_tree(x, 0, "");
    g_autofree char *text = snapshot_text("o", "p", 0);
    char *digit = strstr(text, "000000000001");
    g_assert_nonnull(digit);
    memcpy(digit, "000000000009", 12);
    write_file(x, "o", text);
    restart(x);
    expect_tree(x, 0, "");
}

/* ---- death at any moment ---- */

enum { CRASHES = 30, NAMES = 5, NONE = 254, ROOT = 255 };
typedef enum { STEP_CREATE, STEP_REVERT, STEP_DELETE } StepKind;

/* A tree as it was told, and the step that is taken next. */
typedef struct Told {
    guint8 parent[NAMES], current; /* numbers of snapshots, NONE: not there */
    guint8 step, name;
} Told;

static guint8 number_of(const char *name)
{
    return name ? (guint8) (name[0] - 'a') : ROOT;
}

static Told look(Fixture *x)
{
    Told told = { .current = NONE };
    virDomainSnapshotPtr *list = NULL;
    memset(told.parent, NONE, sizeof(told.parent));
    int n = x->f->table.domain_list_all_snapshots(x->dom, &list, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
    g_assert_cmpint(n, ==, x->f->table.domain_snapshot_num(x->dom, 0)); /* there are no circles */
    for (int i = 0; i < n; i++) {
        virDomainSnapshotPtr parent = x->f->table.domain_snapshot_get_parent(list[i], 0);
        told.parent[number_of(list[i]->name)] = number_of(parent ? parent->name : NULL);
        if (x->f->table.domain_snapshot_is_current(list[i], 0) == 1)
            told.current = number_of(list[i]->name);
        object_unref(parent);
    }
    virResetLastError();
    object_list_free(list, (size_t) n);
    return told;
}

static int take_step(Fixture *x, const Told *told)
{
    const char name[] = { (char) ('a' + told->name), '\0' };
    virDomainSnapshotPtr snapshot = told->step == STEP_CREATE ? create(x, name, "", 0)
                                  : x->f->table.domain_snapshot_lookup_by_name(x->dom, name, 0);
    int rc = !snapshot ? -1 : told->step == STEP_REVERT ? x->f->table.domain_revert_to_snapshot(snapshot, 0)
           : told->step == STEP_DELETE ? x->f->table.domain_snapshot_delete(snapshot, 0) : 0;
    object_unref(snapshot);
    return rc;
}

static void child_work(const char *root, int out, guint seed)
{
    Fixture x = { .f = fake_host_new(root) };
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    if (host_load(x.f->host) < 0 || !(x.dom = x.f->table.domain_lookup_by_name(x.f->conn, "d")))
        _exit(3);
    for (;;) {
        Told told = look(&x);
        told.name = (guint8) g_rand_int_range(random, 0, NAMES);
        told.step = told.parent[told.name] == NONE ? STEP_CREATE : g_rand_boolean(random) ? STEP_REVERT : STEP_DELETE;
        if (write(out, &told, sizeof(told)) != sizeof(told) || take_step(&x, &told) < 0)
            _exit(4);
    }
}

/* What is found is what was told, but for the step that was under way. */
static void compare(const Told *told, const Told *found)
{
    for (guint8 i = 0; i < NAMES; i++) {
        if (told->parent[i] == found->parent[i] || (i == told->name && told->step != STEP_REVERT))
            continue;
        g_assert_cmpint(told->step, ==, STEP_DELETE); /* a child of what is deleted */
        g_assert_cmpint(told->parent[i], ==, told->name);
        g_assert_cmpint(found->parent[i], ==, told->parent[told->name]);
    }
    if (found->parent[told->name] == NONE) {
        g_assert_cmpint(told->step, !=, STEP_REVERT);
        for (guint8 i = 0; i < NAMES; i++)
            g_assert_cmpint(found->parent[i], !=, told->name);
    }
    if (found->current == told->current)
        return;
    if (told->step == STEP_DELETE) {
        g_assert_cmpint(told->current, ==, told->name);
        g_assert_cmpint(found->current, ==, told->parent[told->name] == ROOT ? NONE : told->parent[told->name]);
    } else {
        g_assert_cmpint(found->current, ==, told->name);
    }
}

static void test_crashes(Fixture *x, gconstpointer data)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(815);
    for (guint round = 0; round < CRASHES; round++) {
        int fds[2];
        Told told, next;
        guint steps = (guint) g_rand_int_range(random, 1, 25), seen = 0;
        g_clear_pointer(&x->dom, object_unref);
        fake_host_free(x->f);
        g_assert_cmpint(pipe(fds), ==, 0);
        pid_t pid = fork();
        if (pid == 0)
            child_work(x->root, fds[1], round);
        close(fds[1]);
        while (seen < steps && read(fds[0], &told, sizeof(told)) == sizeof(told))
            seen++;
        kill(pid, SIGKILL);
        g_assert_cmpint(seen, ==, steps);
        while (read(fds[0], &next, sizeof(next)) == sizeof(next))
            told = next;
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        close(fds[0]);
        x->f = fake_host_new(x->root);
        g_assert_cmpint(host_load(x->f->host), ==, 0);
        x->dom = x->f->table.domain_lookup_by_name(x->f->conn, "d");
        Told found = look(x);
        compare(&told, &found);
    }
}

/* ---- races ---- */

enum { RACE_MS = 500 };

static gint racing;

static void *race(void *opaque)
{
    Fixture *x = opaque;
    g_autoptr(GRand) random = g_rand_new();
    while (g_atomic_int_get(&racing)) {
        Told told = { .name = (guint8) g_rand_int_range(random, 0, NAMES), .step = (guint8) g_rand_int_range(random, 0, 3) };
        take_step(x, &told); /* which may well fail */
        virResetLastError();
    }
    return NULL;
}

/* Snapshots are made, deleted and gone back to while the guest is started and ended. */
static void test_races(Fixture *x, gconstpointer data)
{
    GThread *threads[3];
    g_atomic_int_set(&racing, 1);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("race", race, x);
    for (gint64 until = g_get_monotonic_time() + RACE_MS * 1000; g_get_monotonic_time() < until;) {
        x->f->table.domain_create(x->dom);
        x->f->table.domain_destroy(x->dom);
        virResetLastError();
    }
    g_atomic_int_set(&racing, 0);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    if (x->f->table.domain_is_active(x->dom) == 1)
        g_assert_cmpint(x->f->table.domain_destroy(x->dom), ==, 0);
    Told before = look(x);
    restart(x);
    Told after = look(x);
    g_assert_cmpmem(before.parent, sizeof(before.parent), after.parent, sizeof(after.parent));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) g_test_add("/domain/moments/" path, Fixture, NULL, setup, fn, teardown)
    ADD("tree-on-disk", test_tree_on_disk);
    ADD("names", test_names);
    ADD("bad-files", test_bad_files);
    ADD("two-marks", test_two_marks);
    ADD("deep", test_deep);
    ADD("transient", test_transient);
    ADD("transient-over-restart", test_transient_over_restart);
    ADD("checkpoints", test_checkpoints);
    ADD("external", test_external);
    ADD("many-disks", test_many_disks);
    ADD("secrets", test_secrets);
    ADD("races", test_races);
    ADD("not-readable", test_not_readable);
    ADD("crashes", test_crashes);
    return g_test_run();
}
