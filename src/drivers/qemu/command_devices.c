/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Smartcards, redirected USB, shared memory, sockets to the host, crypto accelerators, the store for last words.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/command_priv.h"

/* Where shared memory of QEMU guests is, by name. */
#define SHMEM_DIR "/dev/shm"
#define SHMEM_DEFAULT_MIB 4
#define CERTIFICATE_DATABASE "/etc/pki/nssdb"

/* ---- smartcards ---- */

static json_object *emulated_card(const DomainSmartcard *card, const char *backend)
{
    json_object *props = json_make(JSON_STR("driver", "ccid-card-emulated"), JSON_STR("backend", backend));

    if (card->mode == SMARTCARD_MODE_HOST_CERTIFICATES) {
        json_add(props, JSON_STR("cert1", card->certificates[0]), JSON_STR("cert2", card->certificates[1]),
                 JSON_STR("cert3", card->certificates[2]), JSON_STR("db", card->database ? card->database : CERTIFICATE_DATABASE));
    }
    return props;
}

static int one_smartcard(QemuCommand *cmd, const DomainSmartcard *card)
{
    gboolean passed = card->mode == SMARTCARD_MODE_PASSTHROUGH;
    const char *type = passed ? "ccid-card-passthru" : "ccid-card-emulated", *alias = card->info.alias;
    g_autofree char *what = g_strdup_printf("smartcard '%s'", alias), *chardev = g_strdup_printf("char%s", alias);
    json_object *props;

    if (qemu_require_type(cmd, type, what) < 0)
        return -1;
    if (card->mode == SMARTCARD_MODE_HOST_CERTIFICATES && card->n_certificates != 3)
        return FAIL(VIR_ERR_XML_ERROR, "%s: mode 'host-certificates' needs three certificates", what);
    if (passed) {
        if (qemu_chardev(cmd, &card->source, alias, what) < 0)
            return -1;
        props = json_make(JSON_STR("driver", type), JSON_STR("chardev", chardev));
    } else {
        props = emulated_card(card, card->mode == SMARTCARD_MODE_HOST ? "nss-emulated" : "certificates");
    }
    json_add(props, JSON_STR("id", alias));
    return qemu_arg_device(cmd, props, &card->info);
}

int qemu_command_smartcards(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_smartcards; i++) {
        if (one_smartcard(cmd, cmd->def->devices.smartcards[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- redirected USB ---- */

/* "class:vendor:product:version:allow", -1 being any. */
static void append_rule(GString *out, const DomainRedirfilterUsb *rule)
{
    unsigned int major = 0, minor = 0;

    const struct {
        gboolean there;
        guint value, digits;
    } numbers[] = {
        { rule->has_class, rule->class, 2 }, { rule->has_vendor, rule->vendor, 4 }, { rule->has_product, rule->product, 4 },
    };

    g_string_append(out, out->len ? "|" : "");
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (numbers[i].there)
            g_string_append_printf(out, "0x%0*X:", (int)numbers[i].digits, numbers[i].value);
        else
            g_string_append(out, "-1:");
    }
    /* "1.10" is 0x0110 in a device's descriptor. */
    if (rule->version && sscanf(rule->version, "%2x.%2x", &major, &minor) == 2)
        g_string_append_printf(out, "0x%02x%02x:", major, minor);
    else
        g_string_append(out, "-1:");
    g_string_append_c(out, rule->allow == TRISTATE_YES ? '1' : '0');
}

int qemu_command_redirdevs(QemuCommand *cmd)
{
    const DomainDevices *d = &cmd->def->devices;
    g_autoptr(GString) filter = g_string_new(NULL);

    for (guint i = 0; d->redirfilter && i < d->redirfilter->n_usbdevs; i++)
        append_rule(filter, d->redirfilter->usbdevs[i]);
    for (guint i = 0; i < d->n_redirdevs; i++) {
        const DomainRedirdev *dev = d->redirdevs[i];
        g_autofree char *chardev = g_strdup_printf("char%s", dev->info.alias);
        g_autofree char *what = g_strdup_printf("redirdev '%s'", dev->info.alias);
        json_object *props;

        if (qemu_require_type(cmd, "usb-redir", what) < 0 || qemu_chardev(cmd, &dev->source, dev->info.alias, what) < 0)
            return -1;
        props = json_make(JSON_STR("driver", "usb-redir"), JSON_STR("chardev", chardev), JSON_STR("id", dev->info.alias));
        if (filter->len)
            json_add(props, JSON_STR("filter", filter->str));
        qemu_add_boot_index(props, dev->info.boot_order);
        if (qemu_arg_device(cmd, props, &dev->info) < 0)
            return -1;
    }
    return 0;
}

/* ---- shared memory ---- */

char *qemu_shmem_path(const DomainShmem *shmem)
{
    if (shmem->model != DOMAIN_SHMEM_MODEL_IVSHMEM_DOORBELL)
        return g_strdup_printf("%s/%s", SHMEM_DIR, shmem->name);
    return shmem->server.path ? g_strdup(shmem->server.path) : g_strdup_printf(LOCALSTATEDIR "/lib/libvirt/shmem-%s-sock", shmem->name);
}

static int shmem_plain(QemuCommand *cmd, const DomainShmem *shmem, const char *what)
{
    g_autofree char *memdev = g_strdup_printf("shmmem-%s", shmem->info.alias);
    g_autofree char *path = qemu_shmem_path(shmem);
    guint64 mib = shmem->size ? shmem->size : SHMEM_DEFAULT_MIB;
    json_object *props;

    if (mib & (mib - 1))
        return FAIL(VIR_ERR_XML_ERROR, "%s: its size of %" G_GUINT64_FORMAT " MiB must be a power of two", what, mib);
    if (mib > G_MAXINT64 >> 20)
        return FAIL(VIR_ERR_XML_ERROR, "%s: a size of %" G_GUINT64_FORMAT " MiB is too much", what, mib);
    qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "memory-backend-file"), JSON_STR("id", memdev),
                                            JSON_STR("mem-path", path), JSON_UINT("size", mib << 20), JSON_BOOL("share", true)));
    props = json_make(JSON_STR("driver", "ivshmem-plain"), JSON_STR("id", shmem->info.alias), JSON_STR("memdev", memdev));
    if (shmem->role)
        json_add(props, JSON_STR("master", shmem->role == DOMAIN_SHMEM_ROLE_MASTER ? "on" : "off"));
    return qemu_arg_device(cmd, props, &shmem->info);
}

static int shmem_doorbell(QemuCommand *cmd, const DomainShmem *shmem, const char *what)
{
    g_autofree char *chardev = g_strdup_printf("char%s", shmem->info.alias);
    g_autofree char *path = qemu_shmem_path(shmem);
    ChardevSource server = { .type = CHARDEV_TYPE_UNIX, .mode = CHARDEV_MODE_CONNECT, .path = path };
    json_object *props;

    if (qemu_chardev(cmd, &server, shmem->info.alias, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", "ivshmem-doorbell"), JSON_STR("id", shmem->info.alias), JSON_STR("chardev", chardev));
    if (shmem->msi.vectors)
        qemu_add_uint(props, "vectors", shmem->msi.vectors);
    json_add(props, JSON_BOOL("ioeventfd", shmem->msi.ioeventfd != TRISTATE_OFF));
    if (shmem->role)
        json_add(props, JSON_STR("master", shmem->role == DOMAIN_SHMEM_ROLE_MASTER ? "on" : "off"));
    return qemu_arg_device(cmd, props, &shmem->info);
}

static int one_shmem(QemuCommand *cmd, const DomainShmem *shmem)
{
    g_autofree char *what = g_strdup_printf("shared memory '%s'", shmem->name);
    gboolean doorbell = shmem->model == DOMAIN_SHMEM_MODEL_IVSHMEM_DOORBELL;

    if (shmem->model == DOMAIN_SHMEM_MODEL_IVSHMEM || !shmem->model)
        return qemu_require_type(cmd, "ivshmem", what);  /* no QEMU that is driven has it */
    if (doorbell && shmem->size)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the server of model 'ivshmem-doorbell' has its <size>", what);
    if (qemu_require_type(cmd, doorbell ? "ivshmem-doorbell" : "ivshmem-plain", what) < 0)
        return -1;
    return doorbell ? shmem_doorbell(cmd, shmem, what) : shmem_plain(cmd, shmem, what);
}

int qemu_command_shmems(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_shmems; i++) {
        if (one_shmem(cmd, cmd->def->devices.shmems[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- sockets to the host ---- */

int qemu_command_vsock(QemuCommand *cmd)
{
    const DomainVsock *vsock = cmd->def->devices.vsock;
    g_autofree char *driver = NULL, *fd = qemu_fd_name(cmd, cmd->options->dry_run ? -1 : cmd->options->vsock_fd);
    json_object *props;

    if (!vsock)
        return 0;
    driver = qemu_virtio_type(&vsock->info, "vhost-vsock", domain_vsock_model_to_string(vsock->model));
    if (qemu_require_type(cmd, driver, "vsock") < 0)
        return -1;
    if (!cmd->options->dry_run && cmd->options->vsock_fd <= 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "vsock of domain '%s' has no descriptor", cmd->def->name);
    props = json_make(JSON_STR("driver", driver));
    if (qemu_add_virtio(cmd, props, driver, &vsock->driver.virtio, "vsock") < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("id", vsock->info.alias), JSON_UINT("guest-cid", vsock->cid.address), JSON_STR("vhostfd", fd));
    return qemu_arg_device(cmd, props, &vsock->info);
}

/* ---- crypto accelerators ---- */

static int one_crypto(QemuCommand *cmd, const DomainCrypto *crypto)
{
    g_autofree char *what = g_strdup_printf("crypto device '%s'", crypto->info.alias);
    g_autofree char *object = g_strdup_printf("obj%s", crypto->info.alias);
    g_autofree char *driver = qemu_virtio_type(&crypto->info, "virtio-crypto", NULL);
    const char *backend = crypto->backend.model == DOMAIN_CRYPTO_BACKEND_MODEL_LKCF ? "cryptodev-backend-lkcf" :
        "cryptodev-backend-builtin";
    json_object *props;

    if (qemu_require_type(cmd, driver, what) < 0 || qemu_require_type(cmd, backend, what) < 0)
        return -1;
    props = json_make(JSON_STR("qom-type", backend), JSON_STR("id", object));
    if (crypto->backend.queues)
        qemu_add_uint(props, "queues", crypto->backend.queues);
    qemu_arg_json(cmd, "-object", props);
    props = json_make(JSON_STR("driver", driver), JSON_STR("cryptodev", object), JSON_STR("id", crypto->info.alias));
    if (qemu_add_virtio(cmd, props, driver, &crypto->driver.virtio, what) < 0) {
        json_object_put(props);
        return -1;
    }
    return qemu_arg_device(cmd, props, &crypto->info);
}

int qemu_command_cryptos(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_cryptos; i++) {
        if (one_crypto(cmd, cmd->def->devices.cryptos[i]) < 0)
            return -1;
    }
    return 0;
}

/* ---- the store for last words ---- */

int qemu_command_pstore(QemuCommand *cmd)
{
    const DomainPstore *store = cmd->def->devices.pstore;

    if (!store)
        return 0;
    if (qemu_require_type(cmd, "acpi-erst", "pstore") < 0)
        return -1;
    if (!store->path || !store->size)
        return FAIL(VIR_ERR_XML_ERROR, "pstore of domain '%s' needs a path and a size", cmd->def->name);
    if (store->size > G_MAXINT64 >> 10)
        return FAIL(VIR_ERR_XML_ERROR, "pstore of domain '%s' can't have %" G_GUINT64_FORMAT " KiB", cmd->def->name, store->size);
    qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "memory-backend-file"), JSON_STR("id", "mem-pstore0"),
                                            JSON_BOOL("share", true), JSON_STR("mem-path", store->path),
                                            JSON_UINT("size", store->size << 10)));
    return qemu_arg_device(cmd, json_make(JSON_STR("driver", "acpi-erst"), JSON_STR("id", store->info.alias),
                                          JSON_STR("memdev", "mem-pstore0")), &store->info);
}
