/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/command_secret.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "secret/host.h"
#include "secret/lookup.h"

int qemu_secret_memory(const guint8 *value, size_t size, uid_t uid, gid_t gid)
{
    int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot make memory for a secret");
    /* Read from its beginning, also by who inherits it. */
    if (fchmod(fd, 0400) == 0 && fchown(fd, uid, gid) == 0 && file_write_all(fd, value, size) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    error_report_errno(ERROR_DOMAIN, errno, "cannot write a secret to memory");
    close(fd);
    return -1;
}

char *qemu_file_in_memory(QemuCommand *cmd, const char *name, const guint8 *value, size_t size)
{
    int fd;

    if (cmd->options->dry_run)
        return g_strdup_printf("%s/%s", cmd->options->dir, name);
    fd = qemu_secret_memory(value, size, cmd->options->uid, cmd->options->gid);
    return fd < 0 ? NULL : g_strdup_printf("/dev/fd/%d", qemu_pass_fd(cmd, fd));
}

int qemu_secret_value(QemuCommand *cmd, const char *id, const guint8 *value, size_t size)
{
    json_object *props = json_make(JSON_STR("qom-type", "secret"), JSON_STR("id", id));
    g_autofree char *text = NULL;

    if (cmd->options->running) {
        /* QEMU's text form of any bytes. */
        text = g_base64_encode(value, size);
        json_add(props, JSON_STR("data", text), JSON_STR("format", "base64"));
        explicit_bzero(text, strlen(text));
    } else {
        text = qemu_file_in_memory(cmd, id, value, size);
        if (!text) {
            json_object_put(props);
            return -1;
        }
        json_add(props, JSON_STR("format", "raw"), JSON_STR("file", text));
    }
    qemu_arg_json(cmd, "-object", props);
    return 0;
}

int qemu_secret(QemuCommand *cmd, const char *id, const SecretRef *ref, const char *what)
{
    size_t size = 0;
    guint8 *value = secret_lookup(ref, what, &size);
    int rc = value ? qemu_secret_value(cmd, id, value, size) : -1;

    secret_value_free(value, size);
    return rc;
}

/* What qemu.conf says about one use of TLS; what it doesn't say is as for every use. */
typedef struct {
    const char *dir, *secret, *priority;
    int verify;              /* clients; -1: as for every use */
} TlsSettings;

const char *qemu_tls_folder(const QemuConf *conf, const char *key, const char *dir)
{
    for (size_t i = 0; i < qemu_conf_schema.n_keys; i++) {
        const ConfKey *k = &qemu_conf_schema.keys[i];

        if (g_str_equal(k->name, key) && g_strcmp0(k->default_text, dir) == 0 && access(dir, F_OK) < 0)
            return conf->default_tls_x509_cert_dir;
    }
    return dir;
}

static TlsSettings tls_settings(const QemuConf *c, QemuTlsUse use)
{
    TlsSettings t = { 0 };

    switch (use) {
    case QEMU_TLS_CHARDEV:
        t = (TlsSettings){ qemu_tls_folder(c, "chardev_tls_x509_cert_dir", c->chardev_tls_x509_cert_dir),
                           c->chardev_tls_x509_secret_uuid, c->chardev_tls_priority, c->chardev_tls_x509_verify };
        break;
    case QEMU_TLS_VNC:
        t = (TlsSettings){ qemu_tls_folder(c, "vnc_tls_x509_cert_dir", c->vnc_tls_x509_cert_dir), c->vnc_tls_x509_secret_uuid,
                           c->vnc_tls_priority, c->vnc_tls_x509_verify };
        break;
    case QEMU_TLS_NBD:
        t = (TlsSettings){ qemu_tls_folder(c, "nbd_tls_x509_cert_dir", c->nbd_tls_x509_cert_dir), c->nbd_tls_x509_secret_uuid,
                           c->nbd_tls_priority, 1 };
        break;
    }
    if (t.verify < 0)
        t.verify = c->default_tls_x509_verify >= 0 ? c->default_tls_x509_verify : use != QEMU_TLS_VNC;
    if (!t.secret)
        t.secret = c->default_tls_x509_secret_uuid;
    if (!t.priority)
        t.priority = c->default_tls_priority;
    return t;
}

int qemu_tls_credentials(QemuCommand *cmd, QemuTlsUse use, gboolean server, const char *id, const char *what)
{
    TlsSettings t = tls_settings(cmd->conf, use);
    g_autofree char *password = NULL;
    SecretRef ref = { .has_uuid = true };

    if (qemu_require_type(cmd, "tls-creds-x509", what) < 0)
        return -1;
    if (t.secret) {
        if (uuid_parse(t.secret, ref.uuid) < 0)
            return FAIL(VIR_ERR_CONF_SYNTAX, "qemu.conf: '%s' is no UUID of a secret", t.secret);
        password = g_strdup_printf("%s-secret0", id);
        if (qemu_secret(cmd, password, &ref, what) < 0)
            return -1;
    }
    qemu_arg_json(cmd, "-object", json_make(JSON_STR("qom-type", "tls-creds-x509"), JSON_STR("id", id),
                                            JSON_STR("dir", t.dir),
                                            JSON_STR("endpoint", server ? "server" : "client"),
                                            JSON_BOOL("verify-peer", !server || t.verify), JSON_STR("priority", t.priority),
                                            JSON_STR("passwordid", password)));
    return 0;
}
