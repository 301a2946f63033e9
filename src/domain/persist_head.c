/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Name and UUID of a definition without parsing it: ten thousand files must be known within a fraction of a
 * second. The scanner understands exactly what the daemon writes: comments, then <domain …> with <name> and <uuid> as its
 * first children, without entities. For anything else it says "not certain", and the whole file is parsed.
 */
#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "domain/persist.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { UNCERTAIN = 1 };

typedef struct Scan { const char *at, *end; } Scan;

static void skip_space(Scan *s)
{
    while (s->at < s->end && g_ascii_isspace(*s->at))
        s->at++;
}

static gboolean starts_with(const Scan *s, const char *text)
{
    gsize len = strlen(text);
    return (gsize) (s->end - s->at) >= len && memcmp(s->at, text, len) == 0;
}

/* Go behind the next @text. */
static gboolean skip_past(Scan *s, const char *text)
{
    const char *found = memmem(s->at, s->end - s->at, text, strlen(text));
    if (found)
        s->at = found + strlen(text);
    return found != NULL;
}

/* The text of <@tag>text</@tag> at this place; NULL if anything else stands here. */
static char *take_element(Scan *s, const char *tag)
{
    g_autofree char *open = g_strdup_printf("<%s>", tag);
    g_autofree char *close = g_strdup_printf("</%s>", tag);
    skip_space(s);
    if (!starts_with(s, open))
        return NULL;
    const char *begin = s->at + strlen(open);
    const char *lt = memchr(begin, '<', s->end - begin);
    if (!lt || memchr(begin, '&', lt - begin))
        return NULL;
    s->at = lt;
    if (!starts_with(s, close))
        return NULL;
    s->at += strlen(close);
    return g_strndup(begin, lt - begin);
}

/* Comments in front of the root element. FALSE if it is not one that we wrote. */
static gboolean take_preface(Scan *s, PersistHead *head)
{
    skip_space(s);
    while (starts_with(s, "<!--")) {
        if (starts_with(s, PERSIST_REPLACES)) {
            const char *begin = s->at + strlen(PERSIST_REPLACES);
            const char *end = memchr(begin, ' ', s->end - begin);
            g_free(head->replaces);
            head->replaces = end ? g_uri_unescape_segment(begin, end, NULL) : NULL;
        }
        if (!skip_past(s, "-->"))
            return FALSE;
        skip_space(s);
    }
    return starts_with(s, "<domain ") && skip_past(s, ">");
}

void persist_head_clear(PersistHead *head)
{
    g_clear_pointer(&head->name, g_free);
    g_clear_pointer(&head->replaces, g_free);
}

int persist_scan_head(const char *text, gsize len, PersistHead *head)
{
    Scan s = { text, text + len };
    g_autofree char *uuid = NULL;

    *head = (PersistHead) { NULL };
    if (take_preface(&s, head) && (head->name = take_element(&s, "name")) &&
        g_utf8_validate(head->name, -1, NULL) && (uuid = take_element(&s, "uuid")) &&
        uuid_parse(uuid, head->uuid) == 0)
        return 0;
    g_clear_pointer(&head->name, g_free);
    return UNCERTAIN;
}

/* The slow way. Keeps head->replaces. */
static int parse_head(const char *path, PersistHead *head)
{
    gsize len;
    g_autofree char *text = file_read(path, PERSIST_MAX_FILE, &len);
    if (!text)
        return -1;
    g_autoptr(DomainDef) def = domain_def_parse(text, len, XML_INACTIVE | XML_PARTIAL, NULL);
    if (!def) {
        error_context("'%s'", path);
        return -1;
    }
    if (!def->name)
        return FAIL(VIR_ERR_XML_ERROR, "'%s' lacks a name", path);
    head->name = g_strdup(def->name);
    head->incomplete = !def->has_uuid;
    memcpy(head->uuid, def->uuid, VIR_UUID_BUFLEN);
    return 0;
}

int persist_read_head(const char *path, PersistHead *head)
{
    char text[PERSIST_HEAD];
    *head = (PersistHead) { NULL };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open '%s'", path);
    ssize_t n = read(fd, text, sizeof(text));
    int err = errno;
    close(fd);
    if (n < 0)
        return FAIL_ERRNO(err, "cannot read '%s'", path);
    if (persist_scan_head(text, n, head) == 0)
        return 0;
    if (parse_head(path, head) == 0)
        return 0;
    persist_head_clear(head);
    return -1;
}
