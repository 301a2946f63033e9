/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A test guest seen from outside: disks and memory of which nothing is there, a screen, addresses.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include "drivers/test/test_guest.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/mac.h"
#include "drivers/test/test_node.h"
#include "network/network.h"

#define TIB (1ull << 40)

/* ---- disks and memory ---- */

int test_block_info(DomainHost *host, Guest *guest, const DomainDisk *disk, virDomainBlockInfoPtr info)
{
    *info = (virDomainBlockInfo) { .capacity = TIB - 5177344, .allocation = TIB, .physical = TIB };
    return 0;
}

int test_block_peek(DomainHost *host, const DomainDisk *disk, unsigned long long offset, size_t size, void *buffer)
{
    memset(buffer, 0, size);
    return 0;
}

/* Each byte is the lowest part of its address. */
int test_memory_peek(Guest *guest, unsigned long long start, size_t size, void *buffer, gboolean is_virtual)
{
    for (size_t i = 0; i < size; i++)
        ((guint8 *) buffer)[i] = (guint8) (start + i);
    return 0;
}

int test_block_resize(Guest *guest, const DomainDisk *disk, unsigned long long bytes)
{
    return 0;
}

/* Of each kind in turn. */
int test_disk_errors(Guest *guest, const DomainDef *def, int *codes)
{
    for (guint i = 0; i < def->devices.n_disks; i++)
        codes[i] = VIR_DOMAIN_DISK_ERROR_UNSPEC + (int) i % VIR_DOMAIN_DISK_ERROR_NO_SPACE;
    return 0;
}

/* ---- processor time ---- */

enum { STAT_CPUS = 2 };

int test_cpu_stats(Guest *guest, int cpu, TypedList *list)
{
    static const unsigned long long total = 48772617035, user = 5540000000, kernel = 6460000000, emulator = 1234567890;
    if (list && cpu < 0) {
        typed_list_ullong(list, VIR_DOMAIN_CPU_STATS_CPUTIME, total);
        typed_list_ullong(list, VIR_DOMAIN_CPU_STATS_USERTIME, user);
        typed_list_ullong(list, VIR_DOMAIN_CPU_STATS_SYSTEMTIME, kernel);
    } else if (list) {
        unsigned long long part = total / STAT_CPUS + (unsigned int) cpu;
        typed_list_ullong(list, VIR_DOMAIN_CPU_STATS_CPUTIME, part);
        typed_list_ullong(list, VIR_DOMAIN_CPU_STATS_VCPUTIME, part - emulator);
    }
    return STAT_CPUS;
}

/* There is one process in the guest. */
int test_signal(Guest *guest, long long pid, unsigned int signum)
{
    return pid == 1 ? 0 : FAIL(VIR_ERR_INVALID_ARG, "test domain '%s' has no process but 1, init", guest->name);
}

/* ---- addresses ---- */

/* Add @n to an address. */
static void ip_advance(IpAddress *ip, guint n)
{
    for (guint i = ip->size; i-- > 0 && n > 0;) {
        n += ip->bytes[i];
        ip->bytes[i] = (guint8) n;
        n >>= 8;
    }
}

/* Where a network begins to hand out addresses: its range, else behind its own. */
static int network_start(const Guest *guest, const char *name, IpAddress *start, guint *prefix)
{
    const TestNode *node = guest_host_priv(guest);
    g_autoptr(ManagedState) state = NULL;
    g_autoptr(Managed) net = managed_find_state(node->tables.networks, NULL, name, &state);
    const NetworkDef *def = net ? network_def(state) : NULL;
    const NetworkIp *ip = def && def->n_ips > 0 ? def->ips[0] : NULL;
    IpAddress mask;
    if (!net)
        return -1;
    if (!ip || !ip_parse(ip->dhcp && ip->dhcp->n_ranges > 0 ? ip->dhcp->ranges[0]->start : ip->address, start))
        return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' has no addresses", name);
    *prefix = ip->has_prefix ? ip->prefix : ip_parse(ip->netmask, &mask) ? (guint) ip_mask_prefix(&mask)
        : ip_is_v6(start) ? 64 : 24;
    return 0;
}

static virDomainInterfacePtr describe_interface(const DomainInterface *net, IpAddress ip, guint prefix)
{
    virDomainInterfacePtr iface = g_new0(virDomainInterface, 1);
    char text[IP_TEXT_SIZE], mac[MAC_TEXT_SIZE];
    iface->name = g_strdup(net->target.dev);
    iface->hwaddr = g_strdup(mac_format(net->mac, mac));
    iface->naddrs = 1;
    iface->addrs = g_new0(virDomainIPAddress, 1);
    iface->addrs->type = ip_is_v6(&ip) ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4;
    iface->addrs->addr = g_strdup(ip_format(&ip, text));
    iface->addrs->prefix = prefix;
    return iface;
}

/* In networks each domain has twenty addresses of its own; elsewhere they are 192.168.0.x. */
int test_addresses(Guest *guest, const DomainDef *def, unsigned int source, virDomainInterfacePtr **ifaces)
{
    guint n = def->devices.n_interfaces;
    virDomainInterfacePtr *found = g_new0(virDomainInterfacePtr, n + 1);
    for (guint i = 0; i < n; i++) {
        const DomainInterface *net = def->devices.interfaces[i];
        IpAddress ip = { .bytes = { 192, 168, 0, 0 }, .size = 4 };
        guint prefix = 24, offset = i + 1;
        if (net->source.type == DOMAIN_INTERFACE_TYPE_NETWORK) {
            offset += 20 * (guint) (guest->id - 1);
            if (network_start(guest, net->source.network, &ip, &prefix) < 0) {
                while (i-- > 0)
                    virDomainInterfaceFree(found[i]);
                g_free(found);
                return -1;
            }
        }
        ip_advance(&ip, offset);
        found[i] = describe_interface(net, ip, prefix);
    }
    *ifaces = found;
    return (int) n;
}

/* ---- screen ---- */

enum { WIDTH = 64, HEIGHT = 48 };

static void put_u32(GByteArray *out, guint32 value)
{
    guint32 big = GUINT32_TO_BE(value);
    g_byte_array_append(out, (const guint8 *) &big, 4);
}

static guint32 crc_of(const guint8 *data, gsize len)
{
    guint32 crc = G_MAXUINT32;
    for (gsize i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

/* A chunk of a PNG file: length, name, content, checksum of the last two. */
static void put_chunk(GByteArray *out, const char name[5], const GByteArray *content)
{
    put_u32(out, content->len);
    guint start = out->len;
    g_byte_array_append(out, (const guint8 *) name, 4);
    g_byte_array_append(out, content->data, content->len);
    put_u32(out, crc_of(out->data + start, out->len - start));
}

/* Grey stripes, one byte a pixel, each line behind a byte that says how it is filtered; as one block that isn't compressed. */
static void put_pixels(GByteArray *out)
{
    enum { SIZE = (WIDTH + 1) * HEIGHT };
    static const guint8 head[] = { 0x78, 0x01, 0x01, SIZE & 0xff, SIZE >> 8, ~SIZE & 0xff, (~SIZE >> 8) & 0xff };
    guint32 a = 1, b = 0;
    g_byte_array_append(out, head, sizeof(head));
    for (guint i = 0; i < SIZE; i++) {
        guint column = i % (WIDTH + 1);
        guint8 byte = column == 0 ? 0 : (guint8) (column * 4 - 4);
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
        g_byte_array_append(out, &byte, 1);
    }
    put_u32(out, b << 16 | a);
}

static GByteArray *make_picture(void)
{
    static const guint8 magic[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    static const guint8 grey[] = { 8, 0, 0, 0, 0 };
    GByteArray *out = g_byte_array_new();
    g_autoptr(GByteArray) header = g_byte_array_new(), pixels = g_byte_array_new(), nothing = g_byte_array_new();
    g_byte_array_append(out, magic, sizeof(magic));
    put_u32(header, WIDTH);
    put_u32(header, HEIGHT);
    g_byte_array_append(header, grey, sizeof(grey));
    put_pixels(pixels);
    put_chunk(out, "IHDR", header);
    put_chunk(out, "IDAT", pixels);
    put_chunk(out, "IEND", nothing);
    return out;
}

int test_screenshot(Guest *guest, const DomainDef *def, unsigned int screen, char **mime)
{
    g_autoptr(GByteArray) picture = make_picture();
    int fd = memfd_create("screen", MFD_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot make a file for the screen of test domain '%s'", guest->name);
    if (file_write_all(fd, (const char *) picture->data, picture->len) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        int why = errno;
        close(fd);
        return FAIL_ERRNO(why, "cannot write the screen of test domain '%s'", guest->name);
    }
    *mime = g_strdup("image/png");
    return fd;
}
