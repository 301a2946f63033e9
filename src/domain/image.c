/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN api_error_domain
#include "domain/image.h"
#include "base/error.h"
#include "base/file.h"
#include "domain/api.h"
#include "domain/host.h"
#include "domain/persist.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_VERSION 2
/* Room for a definition that becomes longer. */
#define IMAGE_SLACK (64 * 1024)

typedef struct __attribute__((packed)) Head {
    char magic[16];
    guint32 version, room, running, compression, cookie;
    guint32 unused[14];
} Head;

G_STATIC_ASSERT(sizeof(Head) == 92);

static void set_magic(DomainHost *host, Head *head, const char *condition)
{
    g_autofree char *word = g_strconcat(host_backend(host)->image_word, condition, NULL);
    g_assert(strlen(word) == sizeof(head->magic));
    memcpy(head->magic, word, sizeof(head->magic));
}

static gboolean has_magic(DomainHost *host, const Head *head, const char *condition)
{
    Head wanted;
    set_magic(host, &wanted, condition);
    return memcmp(wanted.magic, head->magic, sizeof(head->magic)) == 0;
}

void image_clear(Image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    g_free(image->xml);
    g_free(image->cookie);
    *image = (Image) IMAGE_INIT;
}

/* All of @len bytes; an end of the file before is an error. */
static int read_part(int fd, const char *path, void *data, gsize len)
{
    for (gsize got = 0; got < len;) {
        ssize_t n = read(fd, (char *) data + got, len - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FAIL_ERRNO(errno, "cannot read the saved image '%s'", path);
        if (n == 0)
            return FAIL(VIR_ERR_SYSTEM_ERROR, "'%s' is no saved image: it ends after %zu of %zu bytes of its head", path,
                        got, len);
        got += (gsize) n;
    }
    return 0;
}

/* 0, -1 or IMAGE_INCOMPLETE. */
static int check_head(DomainHost *host, const char *path, const Head *head)
{
    if (has_magic(host, head, "Part")) {
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "the saved image '%s' is incomplete; it can't be restored",
                     path);
        return IMAGE_INCOMPLETE;
    }
    if (!has_magic(host, head, "Save"))
        return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' is no saved image of this hypervisor", path);
    if (GUINT32_FROM_LE(head->version) > IMAGE_VERSION)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the saved image '%s' has version %u, which is not known here", path,
                    GUINT32_FROM_LE(head->version));
    if (GUINT32_FROM_LE(head->room) > PERSIST_MAX_FILE || GUINT32_FROM_LE(head->room) == 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the saved image '%s' claims a definition of %u bytes", path,
                    GUINT32_FROM_LE(head->room));
    return 0;
}

static int read_image(DomainHost *host, const char *path, Image *image)
{
    Head head;
    if (read_part(image->fd, path, &head, sizeof(head)) < 0)
        return -1;
    int rc = check_head(host, path, &head);
    if (rc < 0)
        return rc;
    image->room = GUINT32_FROM_LE(head.room);
    image->running = head.running != 0;
    image->compression = GUINT32_FROM_LE(head.compression);
    g_autofree char *text = g_malloc(image->room + 1);
    if (read_part(image->fd, path, text, image->room) < 0)
        return -1;
    text[image->room] = '\0';
    guint32 cookie = GUINT32_FROM_LE(head.cookie);
    if (cookie && cookie < image->room && text[cookie])
        image->cookie = g_strdup(text + cookie);
    image->xml = g_strdup(text);
    return 0;
}

int image_open(DomainHost *host, const char *path, Image *image)
{
    *image = (Image) IMAGE_INIT;
    image->fd = file_open(ERROR_DOMAIN, path, O_RDONLY);
    if (image->fd < 0 && error_code() == VIR_ERR_SYSTEM_ERROR)
        error_report_errno(ERROR_DOMAIN, errno, "cannot read domain image '%s'", path);
    if (image->fd < 0)
        return -1;
    int rc = read_image(host, path, image);
    if (rc < 0)
        image_clear(image);
    return rc;
}

/* Head and definition in @room bytes, beginning at the start of the file; in one step, for who is killed meanwhile. */
static int write_head(int fd, const char *path, Head *head, const char *xml, const char *cookie, guint32 room)
{
    g_autofree char *all = g_malloc0(sizeof(*head) + room);
    char *text = all + sizeof(*head);
    gsize len = strlen(xml) + 1;
    memcpy(text, xml, len);
    head->version = GUINT32_TO_LE(IMAGE_VERSION);
    head->room = GUINT32_TO_LE(room);
    if (cookie) {
        head->cookie = GUINT32_TO_LE((guint32) len);
        memcpy(text + len, cookie, strlen(cookie) + 1);
    }
    memcpy(all, head, sizeof(*head));
    if (file_write_all(fd, all, sizeof(*head) + room) < 0)
        return FAIL_ERRNO(errno, "cannot write the saved image '%s'", path);
    return 0;
}

int image_begin(DomainHost *host, const char *path, const char *xml, gboolean running)
{
    Head head = { .running = GUINT32_TO_LE(running ? 1 : 0) };
    int fd = file_create(path, O_TRUNC, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
    if (fd < 0)
        return -1;
    set_magic(host, &head, "Part");
    if (write_head(fd, path, &head, xml, NULL, (guint32) strlen(xml) + 1 + IMAGE_SLACK) == 0)
        return fd;
    close(fd);
    unlink(path);
    return -1;
}

int image_finish(DomainHost *host, const char *path, int fd)
{
    Head head;
    g_autofree char *dir = g_path_get_dirname(path);
    set_magic(host, &head, "Save");
    /* the mark must not reach the disk before what it vouches for */
    if (fsync(fd) < 0 || pwrite(fd, head.magic, sizeof(head.magic), 0) != (ssize_t) sizeof(head.magic) || fsync(fd) < 0)
        return FAIL_ERRNO(errno, "cannot complete the saved image '%s'", path);
    return file_sync_dir(dir);
}

int image_rewrite(DomainHost *host, const char *path, const Image *old, const char *xml, gboolean running)
{
    Head head = { .running = GUINT32_TO_LE(running ? 1 : 0), .compression = GUINT32_TO_LE(old->compression) };
    gsize need = strlen(xml) + 1 + (old->cookie ? strlen(old->cookie) + 1 : 0);
    if (need > old->room)
        return FAIL(VIR_ERR_OPERATION_FAILED, "the new definition is too long for the saved image '%s': %zu bytes, %u "
                    "are there", path, need, old->room);
    int fd = file_open(ERROR_DOMAIN, path, O_WRONLY);
    if (fd < 0)
        return -1;
    set_magic(host, &head, "Save");
    int rc = write_head(fd, path, &head, xml, old->cookie, old->room);
    if (rc == 0 && fsync(fd) < 0)
        rc = FAIL_ERRNO(errno, "cannot write the saved image '%s'", path);
    close(fd);
    return rc;
}
