/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encrypted values: what was made is opened again by its key for its secret, and by nothing else.
 */
#include <libvirt/virterror.h>
#include <string.h>
#include "base/error.h"
#include "drivers/secret/sealed.h"
#include "secret/host.h"
#include "secret/memory.h"

static const guint8 uuid[UUID_BYTES] = { 1 }, other_uuid[UUID_BYTES] = { 2 };

static SealKey key_of(guint8 byte)
{
    guint8 bytes[SECRET_KEY_SIZE];
    SealKey key;
    memset(bytes, byte, sizeof(bytes));
    g_assert_cmpint(seal_key_make(&key, bytes), ==, 0);
    return key;
}

static void test_round_trip(void)
{
    static const size_t sizes[] = { 1, 15, 16, 17, 4096, SECRET_VALUE_MAX };
    SealKey key = key_of(1);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree guint8 *value = g_malloc(sizes[i]);
        memset(value, 'x', sizes[i]);
        g_autofree guint8 *one = sealed_make(&key, uuid, value, sizes[i]), *two = sealed_make(&key, uuid, value, sizes[i]);
        g_assert_cmpint(memcmp(one, two, sizes[i] + SEALED_MORE), !=, 0); /* another nonce */
        g_assert_cmpmem(sealed_id(one, sizes[i] + SEALED_MORE), SEALED_ID_SIZE, key.id, SEALED_ID_SIZE);
        size_t size = 0;
        guint8 *back = sealed_open(&key, uuid, one, sizes[i] + SEALED_MORE, &size);
        g_assert_cmpmem(back, size, value, sizes[i]);
        secret_value_free(back, size);
    }
}

static void refused(const SealKey *key, const guint8 *of, const guint8 *bytes, size_t len)
{
    size_t size = 0;
    if (sealed_id(bytes, len))
        g_assert_null(sealed_open(key, of, bytes, len, &size));
    g_assert_cmpint(error_code(), ==, VIR_ERR_INTERNAL_ERROR);
    virResetLastError();
}

static void test_nothing_else(void)
{
    SealKey key = key_of(1), other = key_of(2);
    g_assert_cmpint(memcmp(key.id, other.id, SEALED_ID_SIZE), !=, 0);
    g_assert_cmpint(memcmp(key.id, key.cipher, SEALED_ID_SIZE), !=, 0);
    const size_t len = 6 + SEALED_MORE;
    g_autofree guint8 *bytes = sealed_make(&key, uuid, (const guint8 *) "secret", 6);
    refused(&other, uuid, bytes, len);
    refused(&key, other_uuid, bytes, len);
    for (size_t i = 0; i < len; i++) {      /* each byte counts, and each length */
        g_autofree guint8 *cut = g_memdup2(bytes, i);
        refused(&key, uuid, cut, i);
        bytes[i] ^= 1;
        refused(&key, uuid, bytes, len);
        bytes[i] ^= 1;
    }
}

/* The kernel says of a mapping which flags it has: "dd" is not in core dumps. */
static void test_memory(void)
{
    guint8 *memory = secret_memory_new(10);
    g_autofree char *maps = NULL, *start = g_strdup_printf("%lx-", (unsigned long) memory);
    g_assert_true(g_file_get_contents("/proc/self/smaps", &maps, NULL, NULL));
    char *flags = strstr(strstr(maps, start), "VmFlags:");
    *strchr(flags, '\n') = '\0';
    g_assert_nonnull(strstr(flags, " dd"));
    secret_memory_free(memory, 10);
    secret_memory_free(NULL, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/sealed/round-trip", test_round_trip);
    g_test_add_func("/secret/sealed/nothing-else", test_nothing_else);
    g_test_add_func("/secret/memory", test_memory);
    return g_test_run();
}
