/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/command_storage.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "base/error.h"
#include "base/user.h"
#include "drivers/qemu/command_secret.h"
#include "drivers/qemu/helper.h"

/* Major number of the kernel's CD-ROM drives. */
#define CDROM_MAJOR 11

/* What is handed down while one node is described. */
typedef struct {
    QemuCommand *cmd;
    const StorageSource *source;
    const QemuStorageAccess *access;
    const char *node, *what;
} Place;

static int secret_of(const Place *p, const char *purpose, const SecretRef *ref, char **id)
{
    *id = g_strdup_printf("%s-%s-secret0", p->node, purpose);
    return qemu_secret(p->cmd, *id, ref, p->what);
}

static const StorageAuth *auth_of(const Place *p)
{
    return p->source->auth ? p->source->auth : p->access->auth;
}

static json_object *server_of(const StorageHost *host, guint default_port, gboolean typed)
{
    g_autofree char *port = g_strdup_printf("%u", host->port ? host->port : default_port);

    if (host->transport == STORAGE_TRANSPORT_UNIX)
        return json_make(JSON_STR("type", "unix"), JSON_STR("path", host->socket));
    return json_make(JSON_STR("type", typed ? "inet" : NULL), JSON_STR("host", host->name), JSON_STR("port", port));
}

static const StorageHost *only_host(const Place *p, gboolean sockets)
{
    const StorageSource *source = p->source;
    const StorageHost *host = source->n_hosts == 1 ? source->hosts[0] : NULL;

    if (!host)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: protocol '%s' needs exactly one host", p->what,
                         storage_protocol_to_string(source->protocol));
    if (host->transport == STORAGE_TRANSPORT_UNIX ? !sockets || !host->socket : !host->name)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: protocol '%s' needs %s", p->what,
                         storage_protocol_to_string(source->protocol), sockets ? "the host's name or socket" : "the host's name");
    if (host->transport == STORAGE_TRANSPORT_RDMA && source->protocol != STORAGE_PROTOCOL_ISCSI)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: transport 'rdma' is not supported", p->what);
    return host;
}

/* "pool/image" in two. */
static int split_name(const Place *p, char **first, const char **rest)
{
    const char *name = p->source->name ? p->source->name : "", *slash = strchr(name, '/');

    if (!slash || slash == name || !slash[1])
        return FAIL(VIR_ERR_XML_ERROR, "%s: the name '%s' has no such form as 'pool/image'", p->what, name);
    *first = g_strndup(name, slash - name);
    *rest = slash + 1;
    return 0;
}

/* ---- protocols ---- */

static json_object *nbd_storage(const Place *p)
{
    const StorageSource *source = p->source;
    const StorageHost *host = only_host(p, TRUE);
    g_autofree char *tls = g_strdup_printf("obj%s_tls0", p->node);
    gboolean secure = source->tls == TRISTATE_YES || (source->tls == TRISTATE_UNSET && p->cmd->conf->nbd_tls > 0);
    json_object *props;

    if (!host || (secure && qemu_tls_credentials(p->cmd, QEMU_TLS_NBD, FALSE, tls, p->what) < 0))
        return NULL;
    props = json_make(JSON_STR("driver", "nbd"), JSON_VALUE("server", server_of(host, 10809, TRUE)), JSON_STR("export", source->name));
    if (secure)
        json_add(props, JSON_STR("tls-creds", tls), JSON_STR("tls-hostname", source->tls_hostname));
    if (source->reconnect && source->reconnect->enabled == TRISTATE_YES && source->reconnect->timeout)
        qemu_add_uint(props, "reconnect-delay", source->reconnect->timeout);
    return props;
}

static int cookies_of(const Place *p, char **id)
{
    const StorageSource *source = p->source;
    GString *text = g_string_new(NULL);
    int rc;

    for (guint i = 0; i < source->n_cookies; i++) {
        const StorageCookie *cookie = source->cookies[i];

        g_string_append_printf(text, "%s%s=%s", i ? "; " : "", cookie->name, cookie->value ? cookie->value : "");
    }
    *id = g_strdup_printf("%s-httpcookie-secret0", p->node);
    rc = qemu_secret_value(p->cmd, *id, (const guint8 *)text->str, text->len);
    explicit_bzero(text->str, text->len);
    g_string_free(text, TRUE);
    return rc;
}

static json_object *url_storage(const Place *p, const char *scheme, guint port)
{
    const StorageSource *source = p->source;
    const StorageHost *host = only_host(p, FALSE);
    const StorageAuth *auth = auth_of(p);
    g_autofree char *path = NULL, *cookies = NULL, *password = NULL;
    g_autoptr(GString) url = g_string_new(NULL);
    json_object *props;

    if (!host || (auth && secret_of(p, "auth", &auth->secret, &password) < 0) || (source->n_cookies && cookies_of(p, &cookies) < 0))
        return NULL;
    path = g_uri_escape_string(source->name ? source->name : "", G_URI_RESERVED_CHARS_ALLOWED_IN_PATH, FALSE);
    g_string_printf(url, strchr(host->name, ':') ? "%s://[%s]:%u/%s" : "%s://%s:%u/%s", scheme, host->name,
                    host->port ? host->port : port, path[0] == '/' ? path + 1 : path);
    if (source->query)
        g_string_append_printf(url, "?%s", source->query);
    props = json_make(JSON_STR("driver", scheme), JSON_STR("url", url->str));
    if (g_str_has_suffix(scheme, "ps"))
        qemu_add_switch(props, "sslverify", source->ssl_verify);
    if (auth)
        json_add(props, JSON_STR("username", auth->username), JSON_STR("password-secret", password));
    json_add(props, JSON_STR("cookie-secret", cookies));
    if (source->timeout)
        qemu_add_uint(props, "timeout", source->timeout);
    if (source->readahead)
        qemu_add_uint(props, "readahead", source->readahead);
    return props;
}

static int rbd_encryption(const Place *p, json_object *props)
{
    const StorageEncryption *encryption = p->source->encryption;
    g_autofree char *secret = NULL;

    if (!encryption || encryption->engine != STORAGE_ENCRYPTION_ENGINE_LIBRBD)
        return 0;
    if (encryption->format == STORAGE_ENCRYPTION_FORMAT_DEFAULT || encryption->format == STORAGE_ENCRYPTION_FORMAT_QCOW)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: engine 'librbd' has no encryption of format '%s'", p->what,
                    storage_encryption_format_to_string(encryption->format));
    if (encryption->n_secrets != 1)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: encryption of several layers is not supported", p->what);
    if (secret_of(p, "encryption", encryption->secrets[0], &secret) < 0)
        return -1;
    json_add(props, JSON_VALUE("encrypt", json_make(JSON_STR("format", storage_encryption_format_to_string(encryption->format)),
                                                    JSON_STR("key-secret", secret))));
    return 0;
}

static int rbd_auth(const Place *p, json_object *props)
{
    const StorageAuth *auth = auth_of(p);
    json_object *modes;
    g_autofree char *secret = NULL;

    if (!auth)
        return 0;
    if (secret_of(p, "auth", &auth->secret, &secret) < 0)
        return -1;
    modes = json_object_new_array();
    json_object_array_add(modes, json_object_new_string("cephx"));
    json_object_array_add(modes, json_object_new_string("none"));
    json_add(props, JSON_STR("user", auth->username), JSON_VALUE("auth-client-required", modes), JSON_STR("key-secret", secret));
    return 0;
}

static json_object *rbd_storage(const Place *p)
{
    const StorageSource *source = p->source;
    g_autofree char *pool = NULL, *space = NULL;
    const char *image, *slash;
    json_object *props, *servers = NULL;

    if (split_name(p, &pool, &image) < 0)
        return NULL;
    slash = strchr(image, '/');
    if (slash && slash > image && slash[1]) {
        space = g_strndup(image, slash - image);
        image = slash + 1;
    }
    for (guint i = 0; i < source->n_hosts; i++) {
        if (!servers)
            servers = json_object_new_array();
        json_object_array_add(servers, server_of(source->hosts[i], 0, FALSE));
    }
    props = json_make(JSON_STR("driver", "rbd"), JSON_STR("pool", pool), JSON_STR("namespace", space), JSON_STR("image", image),
                      JSON_STR("snapshot", source->source_snapshot), JSON_STR("conf", source->config), JSON_VALUE("server", servers));
    if (rbd_encryption(p, props) == 0 && rbd_auth(p, props) == 0)
        return props;
    json_object_put(props);
    return NULL;
}

static json_object *gluster_storage(const Place *p)
{
    const StorageSource *source = p->source;
    g_autofree char *volume = NULL;
    const char *path;
    json_object *props, *servers;

    if (split_name(p, &volume, &path) < 0)
        return NULL;
    if (source->n_hosts == 0)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: protocol 'gluster' needs a host", p->what);
    servers = json_object_new_array();
    for (guint i = 0; i < source->n_hosts; i++) {
        if (source->hosts[i]->transport == STORAGE_TRANSPORT_RDMA) {
            json_object_put(servers);
            return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: transport 'rdma' is not supported", p->what);
        }
        json_object_array_add(servers, server_of(source->hosts[i], 24007, TRUE));
    }
    props = json_make(JSON_STR("driver", "gluster"), JSON_STR("volume", volume), JSON_STR("path", path), JSON_VALUE("server", servers));
    qemu_add_uint(props, "debug", p->cmd->conf->gluster_debug_level);
    return props;
}

static json_object *iscsi_storage(const Place *p)
{
    const StorageSource *source = p->source;
    const StorageHost *host = only_host(p, FALSE);
    const StorageAuth *auth = auth_of(p);
    g_auto(GStrv) parts = g_strsplit(source->name ? source->name : "", "/", 3);
    g_autofree char *portal = NULL, *password = NULL;
    guint64 lun = 0;
    json_object *props;

    if (!host)
        return NULL;
    if (!parts[0] || !*parts[0] || (parts[1] && (parts[2] || !g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXUINT16, &lun, NULL))))
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "%s: '%s' is no iSCSI target, which may have a number of a unit behind '/'", p->what,
                         source->name ? source->name : "");
    if (auth && secret_of(p, "auth", &auth->secret, &password) < 0)
        return NULL;
    portal = g_strdup_printf(strchr(host->name, ':') ? "[%s]:%u" : "%s:%u", host->name, host->port ? host->port : 3260);
    props = json_make(JSON_STR("driver", "iscsi"), JSON_STR("portal", portal), JSON_STR("target", parts[0]), JSON_UINT("lun", lun),
                      JSON_STR("transport", host->transport == STORAGE_TRANSPORT_RDMA ? "iser" : "tcp"));
    if (auth)
        json_add(props, JSON_STR("user", auth->username), JSON_STR("password-secret", password));
    json_add(props, JSON_STR("initiator-name", source->initiator_iqn));
    return props;
}

static json_object *ssh_storage(const Place *p)
{
    const StorageSource *source = p->source;
    const StorageHost *host = only_host(p, FALSE);

    if (!host)
        return NULL;
    if (source->identity && (source->identity->keyfile || source->identity->agentsock))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: QEMU's SSH client takes no keyfile and no agentsock", p->what);
    return json_make(JSON_STR("driver", "ssh"), JSON_STR("path", source->name), JSON_VALUE("server", server_of(host, 22, FALSE)),
                     JSON_STR("user", source->identity ? source->identity->username : NULL));
}

static json_object *nfs_storage(const Place *p)
{
    const StorageSource *source = p->source;
    const StorageHost *host = only_host(p, FALSE);
    uid_t uid;
    gid_t gid;
    json_object *props;

    if (!host)
        return NULL;
    props = json_make(JSON_STR("driver", "nfs"), JSON_VALUE("server", json_make(JSON_STR("host", host->name), JSON_STR("type", "inet"))),
                      JSON_STR("path", source->name));
    if (source->identity && source->identity->user) {
        if (user_find(source->identity->user, &uid) < 0)
            goto error;
        qemu_add_uint(props, "user", uid);
    }
    if (source->identity && source->identity->group) {
        if (group_find(source->identity->group, &gid) < 0)
            goto error;
        qemu_add_uint(props, "group", gid);
    }
    return props;
error:
    json_object_put(props);
    return NULL;
}

static json_object *network_storage(const Place *p)
{
    StorageProtocol protocol = p->source->protocol;
    const char *name = storage_protocol_to_string(protocol);
    g_autofree char *flag = g_strdup_printf("blockdev.%s", name ? name : "");

    if (!qemu_caps_has_flag(p->cmd->caps, flag))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' doesn't have the protocol '%s'", p->what, p->cmd->caps->binary,
                         name ? name : "");
    switch (protocol) {
    case STORAGE_PROTOCOL_NBD:
        return nbd_storage(p);
    case STORAGE_PROTOCOL_RBD:
        return rbd_storage(p);
    case STORAGE_PROTOCOL_GLUSTER:
        return gluster_storage(p);
    case STORAGE_PROTOCOL_ISCSI:
        return iscsi_storage(p);
    case STORAGE_PROTOCOL_HTTP:
        return url_storage(p, name, 80);
    case STORAGE_PROTOCOL_HTTPS:
        return url_storage(p, name, 443);
    case STORAGE_PROTOCOL_FTP:
        return url_storage(p, name, 21);
    case STORAGE_PROTOCOL_FTPS:
        return url_storage(p, name, 990);
    case STORAGE_PROTOCOL_SSH:
        return ssh_storage(p);
    case STORAGE_PROTOCOL_NFS:
        return nfs_storage(p);
    default:
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the protocol '%s' is not supported", p->what, name);
    }
}

/* ---- the host's files and devices ---- */

char *qemu_reservations_id(const StorageSource *source, const char *node)
{
    if (!source->reservations)
        return NULL;
    return source->reservations->managed == TRISTATE_YES ? g_strdup(QEMU_MANAGED_RESERVATIONS) : g_strdup_printf("pr-helper-%s", node);
}

static int add_reservations(const Place *p, json_object *props)
{
    const StorageReservations *r = p->source->reservations;
    g_autofree char *id = qemu_reservations_id(p->source, p->node), *path = NULL;

    if (!r)
        return 0;
    if (r->managed == TRISTATE_YES && p->cmd->options->running)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "%s: the helper for persistent reservations is started with the domain only; run "
                    "qemu-pr-helper and name its socket with managed='no'", p->what);
    if (r->managed != TRISTATE_YES && !r->source.path)
        return FAIL(VIR_ERR_XML_ERROR, "%s: <reservations managed='no'> needs the path of the helper's socket", p->what);
    if (qemu_require_type(p->cmd, "pr-manager-helper", p->what) < 0)
        return -1;
    path = r->managed == TRISTATE_YES ? qemu_helper_socket(p->cmd->options->dir, id) : g_strdup(r->source.path);
    /* One for all disks. */
    if (r->managed != TRISTATE_YES || !p->cmd->has_reservations)
        qemu_arg_json(p->cmd, "-object", json_make(JSON_STR("qom-type", "pr-manager-helper"), JSON_STR("id", id), JSON_STR("path", path)));
    p->cmd->has_reservations |= r->managed == TRISTATE_YES;
    json_add(props, JSON_STR("pr-manager", id));
    return 0;
}

static json_object *file_storage(const Place *p, const char *driver, const char *path)
{
    json_object *props = json_make(JSON_STR("driver", driver), JSON_STR("filename", path));
    const char *io = p->access->io ? domain_disk_io_to_string(p->access->io) : NULL;

    json_add(props, JSON_STR("aio", io));
    if (add_reservations(p, props) == 0)
        return props;
    json_object_put(props);
    return NULL;
}

/* A drive of the host, whose tray and change of media the guest is to see. */
static gboolean is_cdrom(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISBLK(st.st_mode) && major(st.st_rdev) == CDROM_MAJOR;
}

static json_object *dir_storage(const Place *p)
{
    if (p->access->format != STORAGE_FORMAT_FAT)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: a folder is shown as a disk of format 'fat' (<driver type='fat'/>)", p->what);
    return json_make(JSON_STR("driver", "vvfat"), JSON_STR("dir", p->source->dir), JSON_BOOL("floppy", p->access->floppy),
                     JSON_BOOL("rw", !p->access->readonly));
}

static json_object *nvme_storage(const Place *p)
{
    const PciAddress *pci = p->source->nvme_address;
    g_autofree char *device = NULL;

    if (!pci)
        return FAIL_NULL(VIR_ERR_XML_ERROR, "%s: an NVMe disk needs the address of its controller", p->what);
    if (!qemu_caps_has_flag(p->cmd->caps, "blockdev.nvme"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' has no driver for NVMe disks", p->what, p->cmd->caps->binary);
    device = g_strdup_printf("%04x:%02x:%02x.%x", pci->domain, pci->bus, pci->slot, pci->function);
    return json_make(JSON_STR("driver", "nvme"), JSON_STR("device", device), JSON_UINT("namespace", p->source->namespace));
}

static json_object *vdpa_storage(const Place *p)
{
    g_autofree char *path = NULL;
    int fd;

    if (!qemu_caps_has_flag(p->cmd->caps, "blockdev.virtio-blk-vhost-vdpa"))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: '%s' has no driver for vDPA disks", p->what, p->cmd->caps->binary);
    if (p->cmd->options->dry_run) {
        path = g_strdup(p->source->dev);
    } else {
        fd = open(p->source->dev, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return FAIL_ERRNO_NULL(errno, "%s: cannot open '%s'", p->what, p->source->dev);
        path = qemu_pass_fd_set(p->cmd, fd, p->node, "vdpa");
    }
    return json_make(JSON_STR("driver", "virtio-blk-vhost-vdpa"), JSON_STR("path", path));
}

guint qemu_storage_fdset(const StorageSource *source)
{
    return QEMU_STORAGE_FDSETS + source->index;
}

/* To read an image QEMU takes only a descriptor that is for just that. Never the other way round: who gave a descriptor for reading
 * didn't mean it to be written to. */
static void add_readable(GArray *fds)
{
    g_autofree char *path = fds->len ? g_strdup_printf("/proc/self/fd/%d", g_array_index(fds, int, 0)) : NULL;
    int fd;

    for (guint i = 0; i < fds->len; i++) {
        if ((fcntl(g_array_index(fds, int, i), F_GETFL) & O_ACCMODE) == O_RDONLY)
            return;
    }
    fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (fd >= 0)
        g_array_append_val(fds, fd);
}

/* The path that stands for descriptors which a client has given in place of the image. */
static char *passed_path(const Place *p)
{
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    guint set = qemu_storage_fdset(p->source);

    if (!p->cmd->options->dry_run) {
        if (!p->cmd->options->guest)
            return FAIL_NULL(VIR_ERR_OPERATION_UNSUPPORTED, "%s: what is in a drive can't be exchanged for passed descriptors", p->what);
        if (guest_fd_group(p->cmd->options->guest, p->source->fdgroup, fds) < 0)
            return NULL;
        if (p->access->readonly)
            add_readable(fds);
    }
    for (guint i = 0; i < fds->len; i++)
        qemu_add_to_set(p->cmd, set, g_array_index(fds, int, i), p->node, p->source->fdgroup);
    return g_strdup_printf("/dev/fdset/%u", set);
}

json_object *qemu_storage_properties(QemuCommand *cmd, const StorageSource *source, const QemuStorageAccess *access, const char *node,
                                     const char *what)
{
    const Place p = { cmd, source, access, node, what };
    g_autofree char *passed = source->fdgroup ? passed_path(&p) : NULL;

    if (source->fdgroup)
        return passed ? file_storage(&p, source->type == DOMAIN_DISK_TYPE_BLOCK ? "host_device" : "file", passed) : NULL;
    switch (source->type) {
    case DOMAIN_DISK_TYPE_FILE:
        return file_storage(&p, "file", source->file);
    case DOMAIN_DISK_TYPE_BLOCK:
        return file_storage(&p, access->cdrom && is_cdrom(source->dev) ? "host_cdrom" : "host_device", source->dev);
    case DOMAIN_DISK_TYPE_DIR:
        return dir_storage(&p);
    case DOMAIN_DISK_TYPE_NETWORK:
        return network_storage(&p);
    case DOMAIN_DISK_TYPE_NVME:
        return nvme_storage(&p);
    case DOMAIN_DISK_TYPE_VHOSTVDPA:
        return vdpa_storage(&p);
    default:
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: images of type '%s' are not supported", what,
                         domain_disk_type_to_string(source->type));
    }
}
