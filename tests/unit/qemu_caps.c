/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Capability probing: real QEMU, programs that aren't QEMU, the cache and what spoils it.
 */
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/caps.h"
#include "drivers/qemu/caps_schema.h"
#include "qemu_peer.h"

typedef struct {
    PeerLoop *pl;
    char *dir;
    char *binary;
    QemuCapsStore *store;
} Fixture;

static void setup(Fixture *f, gconstpointer data)
{
    f->pl = peer_loop_start();
    f->dir = g_dir_make_tmp("qemu-caps-XXXXXX", NULL);
    g_assert_nonnull(f->dir);
    f->binary = g_find_program_in_path("qemu-system-x86_64");
    f->store = qemu_caps_store_new(f->pl->loop, f->dir);
}

static void teardown(Fixture *f, gconstpointer data)
{
    g_auto(GStrv) names = file_list_dir(f->dir, 100);

    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *path = g_build_filename(f->dir, names[i], NULL);

        unlink(path);
    }
    rmdir(f->dir);
    qemu_caps_store_free(f->store);
    peer_loop_stop(f->pl);
    g_free(f->dir);
    g_free(f->binary);
    virResetLastError();
}

static gboolean have_qemu(Fixture *f)
{
    if (!f->binary)
        g_test_skip("no qemu-system-x86_64");
    return f->binary != NULL;
}

static void assert_good(const QemuCaps *caps)
{
    const QemuMachine *pc, *q35;

    g_assert_nonnull(caps);
    g_assert_cmpuint(caps->version, >=, QEMU_VERSION_MIN);
    g_assert_cmpstr(caps->arch, ==, "x86_64");
    pc = qemu_caps_machine(caps, "pc");
    q35 = qemu_caps_machine(caps, "q35");
    g_assert_nonnull(pc);
    g_assert_nonnull(q35);
    g_assert_true(qemu_caps_machine(caps, NULL)->is_default);
    g_assert_true(qemu_caps_machine(caps, pc->name) == pc);
    g_assert_cmpuint(q35->max_cpus, >, 100);
    g_assert_null(qemu_caps_machine(caps, "none"));
    g_assert_cmpstr(pc->default_cpu, ==, "qemu64");
    g_assert_cmpstr(pc->default_ram, ==, "pc.ram");
    g_assert_true(qemu_caps_has_command(caps, "blockdev-add"));
    g_assert_false(qemu_caps_has_command(caps, "no-such-command"));
    g_assert_true(qemu_caps_has_type(caps, "virtio-blk-pci"));
    g_assert_true(qemu_caps_has_type(caps, "isa-serial"));
    g_assert_true(qemu_caps_has_prop(caps, "virtio-blk-pci", "iommu_platform"));
    g_assert_false(qemu_caps_has_prop(caps, "virtio-blk-pci", "nonsense"));
    g_assert_true(qemu_caps_has_flag(caps, "option.sandbox"));
    g_assert_true(qemu_caps_has_flag(caps, "netdev.user"));
    g_assert_true(caps->tcg.available);
    g_assert_nonnull(qemu_caps_cpu(&caps->tcg, "qemu64"));
    g_assert_cmpint(qemu_caps_cpu(&caps->tcg, "host")->usable, ==, QEMU_CPU_USABLE_NO);
    g_assert_nonnull(caps->tcg.max_cpu);
}

static void test_real(Fixture *f, gconstpointer data)
{
    g_autoptr(QemuCaps) caps = NULL, again = NULL, warm = NULL;
    QemuCapsStore *second;

    if (!have_qemu(f))
        return;
    caps = qemu_caps_store_get(f->store, f->binary);
    assert_good(caps);
    again = qemu_caps_store_get(f->store, f->binary);
    g_assert_true(again == caps);
    g_assert_cmpuint(qemu_caps_store_probes(f->store), ==, 1);
    /* Another daemon starts from the disk and runs no QEMU. */
    second = qemu_caps_store_new(f->pl->loop, f->dir);
    warm = qemu_caps_store_get(second, f->binary);
    assert_good(warm);
    g_assert_cmpuint(qemu_caps_store_probes(second), ==, 0);
    g_assert_cmpuint(g_hash_table_size(warm->types), ==, g_hash_table_size(caps->types));
    g_assert_cmpuint(g_hash_table_size(warm->props), ==, g_hash_table_size(caps->props));
    g_assert_cmpuint(warm->machines->len, ==, caps->machines->len);
    g_assert_cmpuint(warm->tcg.cpus->len, ==, caps->tcg.cpus->len);
    g_assert_true(json_object_equal(warm->tcg.max_cpu, caps->tcg.max_cpu));
    qemu_caps_store_free(second);
}

typedef struct {
    Fixture *f;
    QemuCaps *caps;
} Getter;

static gpointer get_main(gpointer opaque)
{
    Getter *g = opaque;

    g->caps = qemu_caps_store_get(g->f->store, g->f->binary);
    return NULL;
}

static void test_shared(Fixture *f, gconstpointer data)
{
    Getter getters[8];
    GThread *threads[8];

    if (!have_qemu(f))
        return;
    for (int i = 0; i < 8; i++) {
        getters[i] = (Getter){ .f = f };
        threads[i] = g_thread_new("get", get_main, &getters[i]);
    }
    for (int i = 0; i < 8; i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(qemu_caps_store_probes(f->store), ==, 1);
    for (int i = 0; i < 8; i++) {
        g_assert_true(getters[i].caps == getters[0].caps);
        qemu_caps_unref(getters[i].caps);
    }
}

/* A damaged or foreign file is as good as none. */
static void test_bad_cache(Fixture *f, gconstpointer data)
{
    static const char *const contents[] = { "", "{", "[]", "{\"format\": 1}", "null", "{\"format\": 1, \"key\": {}}" };
    g_autofree char *path = NULL, *good = NULL;
    QemuCapsKey key;
    gsize len;

    if (!have_qemu(f))
        return;
    g_assert_cmpint(qemu_caps_key_init(&key, f->binary), ==, 0);
    qemu_caps_unref(qemu_caps_store_get(f->store, f->binary));
    path = qemu_caps_cache_path(f->dir, f->binary);
    g_assert_true(g_file_get_contents(path, &good, &len, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_assert_true(g_file_set_contents(path, contents[i], -1, NULL));
        g_assert_null(qemu_caps_cache_load(f->dir, f->binary, &key));
    }
    for (guint i = 0; i < 200; i++) {
        g_assert_true(g_file_set_contents(path, good, len * i / 200, NULL));
        g_assert_null(qemu_caps_cache_load(f->dir, f->binary, &key));
    }
    g_assert_true(g_file_set_contents(path, good, len, NULL));
    qemu_caps_unref(qemu_caps_cache_load(f->dir, f->binary, &key));
    g_assert_null(qemu_caps_cache_load(f->dir, "/usr/bin/other", &key));
    key.mtime_ns++;
    g_assert_null(qemu_caps_cache_load(f->dir, f->binary, &key));
    key.mtime_ns--;
    key.kvm = !key.kvm;
    g_assert_null(qemu_caps_cache_load(f->dir, f->binary, &key));
}

/* Values of the wrong type in an otherwise right file. */
static void test_mutated_cache(Fixture *f, gconstpointer data)
{
    g_autofree char *path = NULL, *good = NULL;
    GRand *rand = g_rand_new_with_seed(1);
    QemuCapsKey key;
    gsize len;

    if (!have_qemu(f))
        return g_rand_free(rand);
    g_assert_cmpint(qemu_caps_key_init(&key, f->binary), ==, 0);
    qemu_caps_unref(qemu_caps_store_get(f->store, f->binary));
    path = qemu_caps_cache_path(f->dir, f->binary);
    g_assert_true(g_file_get_contents(path, &good, &len, NULL));
    for (int i = 0; i < 300; i++) {
        g_autofree char *bad = g_memdup2(good, len + 1);

        for (int j = 0; j < 5; j++)
            bad[g_rand_int_range(rand, 0, len)] = "0\"{}[],:nx"[g_rand_int_range(rand, 0, 10)];
        g_assert_true(g_file_set_contents(path, bad, len, NULL));
        qemu_caps_unref(qemu_caps_cache_load(f->dir, f->binary, &key));
    }
    g_rand_free(rand);
}

static char *fake_binary(Fixture *f, const char *script)
{
    char *path = g_build_filename(f->dir, "qemu-fake", NULL);

    g_assert_true(g_file_set_contents(path, script, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    return path;
}

static void test_not_qemu(Fixture *f, gconstpointer data)
{
    g_autofree char *path = fake_binary(f, "#!/bin/sh\necho 'cannot load firmware \"x\"' >&2\nexit 1\n");

    g_assert_null(qemu_caps_store_get(f->store, path));
    g_assert_nonnull(strstr(error_message(), "cannot load firmware \"x\""));
    g_assert_nonnull(strstr(error_message(), path));
    /* It is asked again, as nothing was kept. */
    g_assert_null(qemu_caps_store_get(f->store, path));
    g_assert_cmpuint(qemu_caps_store_probes(f->store), ==, 2);
    g_assert_null(qemu_caps_store_get(f->store, "/nonexistent/qemu"));
    g_assert_cmpint(error_code(), ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_null(qemu_caps_store_get(f->store, "relative"));
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
    g_assert_null(qemu_caps_store_get(f->store, f->dir));
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
}

/* One that dies over a question has told but a part: that is no answer, and isn't kept. */
static void test_dies_when_asked(Fixture *f, gconstpointer data)
{
    g_autofree char *path = fake_binary(f,
        "#!/bin/sh\nfor a; do case $a in *fd=*) fd=${a##*fd=};; esac; done\neval \"exec <&$fd >&$fd\"\n"
        "v='{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7},\"package\":\"\"}'\n"
        "echo \"{\\\"QMP\\\":{\\\"version\\\":$v,\\\"capabilities\\\":[]}}\"\n"
        "while read -r line; do\n"
        "  id=$(printf %s \"$line\" | sed -n 's/.*\"id\": *\\(\"[^\"]*\"\\|[0-9]*\\).*/,\"id\":\\1/p')\n"
        "  case $line in\n"
        "  *query-version*) r=$v;;\n"
        "  *query-target*) r='{\"arch\":\"x86_64\"}';;\n"
        "  *query-machines*) r='[{\"name\":\"pc\",\"cpu-max\":1}]';;\n"
        "  *qom-list-types*) r='[{\"name\":\"virtio-blk-pci\"},{\"name\":\"tcg-accel\"}]';;\n"
        "  *device-list-properties*) echo 'a part is missing' >&2; exit 1;;\n"
        "  *) r='[]';;\n  esac\n"
        "  echo \"{\\\"return\\\":$r$id}\"\ndone\n");

    g_assert_null(qemu_caps_store_get(f->store, path));
    if (!strstr(error_message(), "a part is missing"))
        g_error("%s", error_message());
    g_assert_null(qemu_caps_store_get(f->store, path));
    g_assert_cmpuint(qemu_caps_store_probes(f->store), ==, 2);
    virResetLastError();
}

/* The binary is replaced: the store notices without being told. */
static void test_upgrade(Fixture *f, gconstpointer data)
{
    g_autofree char *script = NULL, *path = NULL;
    g_autoptr(QemuCaps) one = NULL, two = NULL;

    if (!have_qemu(f))
        return;
    script = g_strdup_printf("#!/bin/sh\nexec %s \"$@\"\n", f->binary);
    path = fake_binary(f, script);
    one = qemu_caps_store_get(f->store, path);
    assert_good(one);
    g_free(fake_binary(f, script));
    two = qemu_caps_store_get(f->store, path);
    assert_good(two);
    g_assert_cmpuint(qemu_caps_store_probes(f->store), ==, 2);
}

static void test_schema(void)
{
    g_autoptr(json_object) entries = json_tokener_parse(
        "[{\"name\": \"c\", \"meta-type\": \"command\", \"arg-type\": \"1\"},"
        " {\"name\": \"1\", \"meta-type\": \"object\", \"members\": [{\"name\": \"m\", \"type\": \"[2]\"},"
        "   {\"name\": \"loop\", \"type\": \"l\"}, 5, null, {\"name\": 3}],"
        "   \"variants\": [{\"case\": \"v\", \"type\": \"2\"}]},"
        " {\"name\": \"[2]\", \"meta-type\": \"array\", \"element-type\": \"2\"},"
        " {\"name\": \"l\", \"meta-type\": \"array\", \"element-type\": \"l\"},"
        " {\"name\": \"2\", \"meta-type\": \"enum\", \"values\": [\"a\", \"b\"]}, 7, null]");
    g_autoptr(QmpSchema) schema = qmp_schema_new(entries);

    g_assert_true(qmp_schema_has(schema, "c"));
    g_assert_true(qmp_schema_has(schema, "c/arg-type/m/^a"));
    g_assert_true(qmp_schema_has(schema, "c/arg-type/+v/^b"));
    g_assert_false(qmp_schema_has(schema, "c/arg-type/+v/^c"));
    g_assert_false(qmp_schema_has(schema, "c/arg-type/loop/^a"));
    g_assert_false(qmp_schema_has(schema, "c/ret-type"));
    g_assert_false(qmp_schema_has(schema, "x"));
    g_assert_false(qmp_schema_has(schema, ""));
    g_assert_null(qmp_schema_new(NULL));
}

static void test_names(void)
{
    g_assert_cmpstr(qemu_arch_from_target("i386"), ==, "i686");
    g_assert_cmpstr(qemu_arch_to_target("armv7l"), ==, "arm");
    g_assert_null(qemu_arch_from_target("pdp11"));
    g_assert_null(qemu_arch_to_target(NULL));
    g_assert_null(qemu_find_emulator("pdp11"));
}

#define ADD(name, fn) g_test_add("/qemu/caps/" name, Fixture, NULL, setup, fn, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qemu/caps/schema", test_schema);
    g_test_add_func("/qemu/caps/names", test_names);
    ADD("real", test_real);
    ADD("shared", test_shared);
    ADD("bad-cache", test_bad_cache);
    ADD("mutated-cache", test_mutated_cache);
    ADD("not-qemu", test_not_qemu);
    ADD("dies-when-asked", test_dies_when_asked);
    ADD("upgrade", test_upgrade);
    return g_test_run();
}
