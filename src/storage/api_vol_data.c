/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Content of volumes through streams. A stream uses its volume until it ends or has read it: meanwhile who wants to delete, resize or wipe
 * the volume, or stop its pool, waits, but not for a client that is idle.
 */
#define ERROR_DOMAIN managed_thread_domain
#define LOG_SOURCE "storage.data"
#include "base/log.h"
#include "core/event_table.h"
#include "core/fd_stream.h"
#include "storage/api.h"

typedef struct Transfer {
    VolJob job;
    gboolean write;
} Transfer;

/* Whoever waits for the volume goes on waiting. */
static void transfer_moved(void *opaque)
{
    vol_job_moved(&((Transfer *) opaque)->job);
}

/* What was written may have changed sizes. */
static void transfer_ended(void *opaque)
{
    Transfer *transfer = opaque;
    VolJob *job = &transfer->job;
    if (transfer->write && vol_job_end_stream(job)) {
        virErrorPtr saved = error_save();
        if (vol_job_refresh(job) < 0)
            LOG_WARN("sizes of volume '%s' after an upload: %s", job->vol->name, error_message());
        error_restore(saved);
        event_emit(storage_host_bus(job->pool->host),
                   event_storage_pool_refresh_new(MANAGED_NAME(job->obj), job->obj->entry.uuid, -1));
    }
    vol_job_end(job);
    g_free(transfer);
}

static int transfer(virStorageVolPtr vol, virStreamPtr st, guint64 offset, guint64 length, gboolean sparse, gboolean write)
{
    Transfer *t = g_new0(Transfer, 1);
    FdStreamRange range = { .offset = offset, .length = length ? length : G_MAXUINT64, .sparse = sparse };
    t->write = write;
    if (vol_job_begin(&t->job, storage_api_host(vol->o.conn), vol->pool, vol->name, VOL_STREAM) < 0)
        goto failed;
    StorageContent *content = vol_job_open(&t->job, write);
    if (!content)
        goto failed;
    if (offset > content->size || length > content->size - offset) {
        error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "volume '%s' has room for %" G_GUINT64_FORMAT " bytes, not for %"
                     G_GUINT64_FORMAT " from offset %" G_GUINT64_FORMAT, vol->name, content->size, length, offset);
        content_unref(content);
        goto failed;
    }
    range.length = MIN(range.length, content->size - offset);
    if (fd_stream_open_content(st, content, &range, transfer_moved, transfer_ended, t) == 0)
        return 0;
failed:
    vol_job_end(&t->job);
    g_free(t);
    return -1;
}

int storage_vol_upload(virStorageVolPtr vol, virStreamPtr st, unsigned long long offset, unsigned long long length,
                       unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, -1);
    return transfer(vol, st, offset, length, flags & VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM, TRUE);
}

int storage_vol_download(virStorageVolPtr vol, virStreamPtr st, unsigned long long offset, unsigned long long length,
                         unsigned int flags)
{
    CHECK_FLAGS(flags, VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, -1);
    return transfer(vol, st, offset, length, flags & VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, FALSE);
}
