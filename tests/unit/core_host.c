/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Host facts from trees made here, and from this machine.
 */
#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "core/host/host.h"

static void put(const char *root, const char *path, const char *text)
{
    g_autofree char *full = g_strconcat(root, path, NULL);
    g_autofree char *dir = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    g_unlink(full);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void put_f(const char *root, const char *text, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
static void put_f(const char *root, const char *text, const char *fmt, ...)
{
    g_autofree char *path = NULL;
    va_list args;

    va_start(args, fmt);
    path = g_strdup_vprintf(fmt, args);
    va_end(args);
    put(root, path, text);
}

static void remove_tree(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            g_unlink(child);
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
}

/* Two cells, each a socket of two cores of two threads; CPU 7 is offline. */
static char *make_machine(void)
{
    char *root = g_dir_make_tmp("host-XXXXXX", NULL);

    put(root, "/sys/devices/system/cpu/present", "0-7\n");
    put(root, "/sys/devices/system/cpu/online", "0-6\n");
    for (int cpu = 0; cpu < 7; cpu++) {
        g_autofree char *package = g_strdup_printf("%d\n", cpu / 4), *core = g_strdup_printf("%d\n", cpu / 2);
        g_autofree char *siblings = g_strdup_printf("%d-%d\n", cpu & ~1, cpu | 1);

        put_f(root, package, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
        put_f(root, core, "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
        put_f(root, "65535\n", "/sys/devices/system/cpu/cpu%d/topology/cluster_id", cpu);
        put_f(root, siblings, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
        put_f(root, "3\n", "/sys/devices/system/cpu/cpu%d/cache/index3/level", cpu);
        put_f(root, "Unified\n", "/sys/devices/system/cpu/cpu%d/cache/index3/type", cpu);
        put_f(root, "8M\n", "/sys/devices/system/cpu/cpu%d/cache/index3/size", cpu);
        put_f(root, cpu < 4 ? "0-3\n" : "4-6\n", "/sys/devices/system/cpu/cpu%d/cache/index3/shared_cpu_list", cpu);
        put_f(root, "2\n", "/sys/devices/system/cpu/cpu%d/cache/index2/level", cpu);
    }
    for (int node = 0; node < 2; node++) {
        g_autofree char *memory = g_strdup_printf("Node %d MemTotal: 100000 kB\nNode %d MemFree: 50000 kB\n", node, node);

        put_f(root, memory, "/sys/devices/system/node/node%d/meminfo", node);
        put_f(root, node ? "4-7\n" : "0-3\n", "/sys/devices/system/node/node%d/cpulist", node);
        put_f(root, node ? "21 10\n" : "10 21\n", "/sys/devices/system/node/node%d/distance", node);
        put_f(root, "5\n", "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", node);
        put_f(root, "3\n", "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/free_hugepages", node);
    }
    put(root, "/proc/stat", "cpu  10 20 30 40 50 60 70 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\nintr 5\n");
    put(root, "/proc/meminfo", "MemTotal: 200000 kB\nMemFree: 100000 kB\nMemAvailable: 150000 kB\nBuffers: 7 kB\nCached: 8 kB\n");
    put(root, "/proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
        "model name\t: Some CPU\nstepping\t: 4\nmicrocode\t: 0x2000043\ncpu MHz\t\t: 2100.5\nflags\t\t: fpu vmx\n"
        "address sizes\t: 46 bits physical, 48 bits virtual\n");
    put(root, "/sys/power/state", "freeze mem disk\n");
    put(root, "/sys/power/disk", "[platform] shutdown reboot suspend\n");
    put(root, "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put(root, "/sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n");
    host_set_root(root);
    return root;
}

static void drop_machine(char *root)
{
    host_set_root(NULL);
    remove_tree(root);
    g_free(root);
    virResetLastError();
}

static void test_topology(void)
{
    char *root = make_machine();
    g_autoptr(HostTopology) t = host_topology_read();

    g_assert_nonnull(t);
    g_assert_cmpuint(t->n_cells, ==, 2);
    g_assert_cmpuint(t->cells[0].n_cpus, ==, 4);
    g_assert_cmpuint(t->cells[1].n_cpus, ==, 3);
    g_assert_cmpuint(t->cells[1].cpus[2].id, ==, 6);
    g_assert_cmpint(t->cells[1].cpus[2].socket, ==, 1);
    g_assert_cmpint(t->cells[1].cpus[2].cluster, ==, 0);
    g_assert_cmpstr(t->cells[1].cpus[2].siblings, ==, "6-7");
    g_assert_cmpuint(t->cells[1].distances[0], ==, 21);
    g_assert_cmpuint(t->cells[0].n_pages, ==, 2);
    g_assert_cmpuint(t->cells[0].pages[1].size_kib, ==, 2048);
    g_assert_cmpuint(t->cells[0].pages[1].free, ==, 3);
    g_assert_cmpuint(t->cells[0].pages[0].total, ==, (100000 - 5 * 2048) / 4);
    g_assert_cmpuint(t->sockets, ==, 2);
    g_assert_cmpuint(t->cores, ==, 2);
    g_assert_cmpuint(t->threads, ==, 2);
    g_assert_cmpuint(t->n_caches, ==, 2);
    g_assert_cmpuint(t->caches[0].size_kib, ==, 8192);
    g_assert_cmpstr(t->caches[1].cpus, ==, "4-6");
    drop_machine(root);
}

static void test_node_info(void)
{
    char *root = make_machine();
    virNodeInfo info;

    g_assert_cmpint(host_node_info(&info), ==, 0);
    g_assert_cmpuint(info.cpus, ==, 7);
    g_assert_cmpuint(info.memory, ==, 200000);
    g_assert_cmpuint(info.mhz, ==, 2100);
    /* 7 isn't a product of the levels: told as flat. */
    g_assert_cmpuint(info.nodes * info.sockets * info.cores * info.threads, ==, 7);
    put(root, "/sys/devices/system/cpu/online", "0-5\n");
    put(root, "/sys/devices/system/cpu/online", "0-7\n");
    put(root, "/sys/devices/system/cpu/cpu7/topology/physical_package_id", "1\n");
    put(root, "/sys/devices/system/cpu/cpu7/topology/core_id", "3\n");
    g_assert_cmpint(host_node_info(&info), ==, 0);
    g_assert_cmpuint(info.cpus, ==, 8);
    g_assert_cmpuint(info.nodes, ==, 2);
    g_assert_cmpuint(info.sockets, ==, 1);
    g_assert_cmpuint(info.cores, ==, 2);
    g_assert_cmpuint(info.threads, ==, 2);
    drop_machine(root);
}

static void test_cpu_map(void)
{
    char *root = make_machine();
    g_autofree unsigned char *map = NULL;
    unsigned int online;

    g_assert_cmpint(host_cpu_map(&map, &online), ==, 8);
    g_assert_cmpuint(online, ==, 7);
    g_assert_cmpuint(map[0], ==, 0x7f);
    drop_machine(root);
}

static void test_stats(void)
{
    char *root = make_machine();
    virNodeCPUStats cpu[8];
    virNodeMemoryStats memory[8];
    int n = 0;

    g_assert_cmpint(host_cpu_stats(0, NULL, &n), ==, 0);
    g_assert_cmpint(n, ==, 4);
    g_assert_cmpint(host_cpu_stats(0, cpu, &n), ==, 0);
    g_assert_cmpstr(cpu[0].field, ==, "kernel");
    g_assert_cmpuint(cpu[0].value, ==, (3 + 6 + 7) * (1000000000ULL / sysconf(_SC_CLK_TCK)));
    g_assert_cmpint(host_cpu_stats(VIR_NODE_CPU_STATS_ALL_CPUS, cpu, &n), ==, 0);
    g_assert_cmpuint(cpu[1].value, ==, 30 * (1000000000ULL / sysconf(_SC_CLK_TCK)));
    g_assert_cmpint(host_cpu_stats(99, cpu, &n), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_INVALID_ARG);
    n = 3;
    g_assert_cmpint(host_cpu_stats(0, cpu, &n), ==, -1);
    n = 0;
    g_assert_cmpint(host_memory_stats(VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n), ==, 0);
    g_assert_cmpint(n, ==, 5);
    g_assert_cmpint(host_memory_stats(VIR_NODE_MEMORY_STATS_ALL_CELLS, memory, &n), ==, 0);
    g_assert_cmpuint(memory[0].value, ==, 200000);
    g_assert_cmpuint(memory[4].value, ==, 150000);
    n = 2;
    g_assert_cmpint(host_memory_stats(1, memory, &n), ==, 0);
    g_assert_cmpuint(memory[1].value, ==, 50000);
    g_assert_cmpint(host_memory_stats(5, memory, &n), ==, -1);
    drop_machine(root);
}

static void test_memory(void)
{
    char *root = make_machine();
    unsigned long long values[8];
    unsigned int sizes[] = { 2048, 4 }, odd = 3;

    g_assert_cmpuint(host_free_memory(), ==, 100000 * 1024);
    g_assert_cmpint(host_cells_free_memory(values, 0, 8), ==, 2);
    g_assert_cmpint(host_cells_free_memory(values, 1, 8), ==, 1);
    g_assert_cmpuint(values[0], ==, 50000 * 1024);
    g_assert_cmpint(host_cells_free_memory(values, 2, 8), ==, -1);
    g_assert_cmpint(host_free_pages(2, sizes, 0, 2, values), ==, 4);
    g_assert_cmpuint(values[0], ==, 3);
    g_assert_cmpuint(values[3], ==, 12500);
    g_assert_cmpint(host_free_pages(1, &odd, 0, 2, values), ==, -1);
    g_assert_cmpint(error_code(), ==, VIR_ERR_OPERATION_FAILED);
    drop_machine(root);
}

static void test_identity(void)
{
    char *root = make_machine();
    unsigned char uuid[VIR_UUID_BUFLEN], again[VIR_UUID_BUFLEN];
    g_autoptr(HostProcessor) cpu = host_processor_read();

    g_assert_cmpstr(cpu->vendor, ==, "Intel");
    g_assert_cmpuint(cpu->family, ==, 6);
    g_assert_cmpuint(cpu->model, ==, 85);
    g_assert_cmpuint(cpu->microcode, ==, 0x2000043);
    g_assert_cmpuint(cpu->physical_bits, ==, 46);
    g_assert_true(g_strv_contains((const char *const *)cpu->flags, "vmx"));
    host_uuid(uuid);
    g_assert_cmpuint(uuid[0], ==, 3);
    host_uuid_configure(NULL, TRUE);
    host_uuid(uuid);
    g_assert_cmpuint(uuid[0], ==, 1);
    memset(again, 9, sizeof(again));
    again[3] = 8;
    host_uuid_configure(again, TRUE);
    host_uuid(uuid);
    g_assert_cmpmem(uuid, VIR_UUID_BUFLEN, again, VIR_UUID_BUFLEN);
    host_uuid_configure(NULL, FALSE);
    put(root, "/sys/class/dmi/id/product_uuid", "00000000-0000-0000-0000-000000000000\n");
    host_uuid(uuid);
    g_assert_cmpuint(uuid[0], ==, 1);
    put(root, "/etc/machine-id", "x\n");
    host_uuid(uuid);
    host_uuid(again);
    g_assert_cmpmem(uuid, VIR_UUID_BUFLEN, again, VIR_UUID_BUFLEN);
    g_assert_cmpuint(host_suspend_targets(), ==, 7);
    g_assert_false(host_has_iommu());
    drop_machine(root);
}

/* Every file of the tree missing in turn: an error or an answer, never a crash. */
static void test_vanished(void)
{
    static const char *const paths[] = {
        "/sys/devices/system/cpu/present", "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/cpu0/topology/core_id",
        "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "/sys/devices/system/node/node0/cpulist",
        "/sys/devices/system/node/node0/meminfo", "/sys/devices/system/node/node1/distance", "/proc/cpuinfo",
        "/proc/stat", "/proc/meminfo", "/sys/devices/system/cpu/cpu0/cache/index3/size",
    };
    static const char *const texts[] = { NULL, "", "\n", "x", "-1", "99999999999999999999", "0-", "0-99999999\n" };

    char *root = make_machine();

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = g_strconcat(root, paths[i], NULL), *good = NULL;

        g_assert_true(g_file_get_contents(path, &good, NULL, NULL));
        for (guint j = 0; j < G_N_ELEMENTS(texts); j++) {
            g_autofree unsigned char *map = NULL;
            virNodeInfo info;
            virNodeCPUStats cpu[4];
            virNodeMemoryStats memory[5];
            int n = 4, m = 5;

            if (texts[j])
                put(root, paths[i], texts[j]);
            else
                g_unlink(path);
            (void)host_node_info(&info);
            (void)host_cpu_map(&map, NULL);
            (void)host_cpu_stats(0, cpu, &n);
            (void)host_memory_stats(-1, memory, &m);
            (void)host_free_memory();
        }
        put(root, paths[i], good);
    }
    drop_machine(root);
}

static void test_here(void)
{
    g_autoptr(HostTopology) t = host_topology_read();
    virNodeInfo info;
    TypedList list = { 0 };

    g_assert_nonnull(t);
    g_assert_cmpint(host_node_info(&info), ==, 0);
    g_assert_cmpuint(info.cpus, >=, 1);
    g_assert_cmpuint(info.memory, >, 1024);
    g_assert_cmpuint(host_free_memory(), >, 0);
    g_assert_cmpint(host_memory_parameters(&list), ==, 0);
    typed_list_clear(&list);
}

/* Where the kernel tells what the processor tells, both say the same. */
static void test_features(void)
{
    static const char *const both[] = { "fpu", "sse2", "avx", "aes", "smep", "lm", "nx", "svm", "vmx", "xsavec", "avx512f", "rdseed" };
    g_autoptr(HostProcessor) cpu = host_processor_read();
    CpuSet set;

    if (!host_x86_features(&set)) {
        g_test_skip("no x86 host");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(both); i++) {
        if (g_strv_contains((const char *const *)cpu->flags, both[i]))
            g_assert_true(cpu_set_has(&set, cpu_x86_feature(both[i])));
    }
}

/* What firmware tells, as <sysinfo>; fields that are empty or no text don't stand there. */
static void test_smbios(void)
{
    g_autofree char *root = g_dir_make_tmp("dmi-XXXXXX", NULL), *xml = NULL;
    DomainSysinfo *info;

    host_set_root(root);
    g_assert_null(host_smbios());
    put(root, "/sys/class/dmi/id/bios_vendor", "Maker & Sons\n");
    put(root, "/sys/class/dmi/id/bios_date", "  \n");
    put(root, "/sys/class/dmi/id/product_name", "\xff\n");
    put(root, "/sys/class/dmi/id/product_uuid", "c0a5e5c0-4d3f-4b6a-9a58-0f6c3d1c1f11\n");
    put(root, "/sys/class/dmi/id/board_name", "B\n");
    info = host_smbios();
    g_assert_nonnull(info);
    xml = xml_format(&DOMAIN_SYSINFO_DESC, info, "sysinfo", NULL, 0, 0);
    g_assert_cmpstr(xml, ==, "<sysinfo type='smbios'>\n  <bios>\n    <entry name='vendor'>Maker &amp; Sons</entry>\n  </bios>\n"
                             "  <system>\n    <entry name='uuid'>c0a5e5c0-4d3f-4b6a-9a58-0f6c3d1c1f11</entry>\n  </system>\n"
                             "  <baseBoard>\n    <entry name='product'>B</entry>\n  </baseBoard>\n</sysinfo>\n");
    xml_struct_free(&DOMAIN_SYSINFO_DESC, info);
    host_set_root(NULL);
    remove_tree(root);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/host/topology", test_topology);
    g_test_add_func("/core/host/node-info", test_node_info);
    g_test_add_func("/core/host/cpu-map", test_cpu_map);
    g_test_add_func("/core/host/stats", test_stats);
    g_test_add_func("/core/host/memory", test_memory);
    g_test_add_func("/core/host/identity", test_identity);
    g_test_add_func("/core/host/vanished", test_vanished);
    g_test_add_func("/core/host/here", test_here);
    g_test_add_func("/core/host/smbios", test_smbios);
    g_test_add_func("/host/features", test_features);
    return g_test_run();
}
