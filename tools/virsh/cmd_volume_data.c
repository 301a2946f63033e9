/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The data of volumes: to a file, from a file. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

/* --offset and --length; false after an error printed. */
static bool range(Shell *shell, const Cmd *cmd, unsigned long long *offset, unsigned long long *length)
{
    return cmd_ull(shell, cmd, "offset", offset) >= 0 && cmd_ull(shell, cmd, "length", length) >= 0;
}

bool cmd_vol_download(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    g_autoptr(virStream) stream = NULL;
    unsigned long long offset = 0, length = 0;
    const char *path = NULL;
    bool fresh = false, done = false, sparse = cmd_has(cmd, "sparse");
    int fd;

    if (!volume || !range(shell, cmd, &offset, &length) || cmd_string(shell, cmd, "file", &path) <= 0)
        return false;
    fd = virsh_file_create(shell, path, &fresh);
    if (fd < 0)
        return false;
    stream = virStreamNew(virsh_conn(shell), 0);
    if (!stream || virStorageVolDownload(volume, stream, offset, length, cmd_flags(cmd)) < 0) {
        shell_error(shell, "cannot download from volume %s", virStorageVolGetName(volume));
    } else if (!virsh_stream_receive(shell, stream, fd, sparse)) {
        shell_error(shell, "cannot receive data from volume %s", virStorageVolGetName(volume));
        virStreamAbort(stream);
    } else if (virStreamFinish(stream) < 0) {
        shell_error(shell, "cannot close volume %s", virStorageVolGetName(volume));
    } else {
        done = true;
    }
    return virsh_file_close(shell, fd, path, fresh && !done) && done;
}

bool cmd_vol_upload(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virStorageVol) volume = virsh_volume(shell, cmd, "vol", "pool");
    g_autoptr(virStream) stream = NULL;
    unsigned long long offset = 0, length = 0;
    const char *path = NULL;
    bool done = false, sparse = cmd_has(cmd, "sparse");
    int fd;

    if (!volume || !range(shell, cmd, &offset, &length) || cmd_string(shell, cmd, "file", &path) <= 0)
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return shell_error(shell, "cannot read %s: %s", path, g_strerror(errno));
    stream = virStreamNew(virsh_conn(shell), 0);
    if (!stream || virStorageVolUpload(volume, stream, offset, length, cmd_flags(cmd)) < 0) {
        shell_error(shell, "cannot upload to volume %s", virStorageVolGetName(volume));
    } else if (!virsh_stream_send(shell, stream, fd, sparse)) {
        shell_error(shell, "cannot send data to volume %s", virStorageVolGetName(volume));
        virStreamAbort(stream);
    } else if (virStreamFinish(stream) < 0) {
        shell_error(shell, "cannot close volume %s", virStorageVolGetName(volume));
    } else {
        done = true;
    }
    close(fd);
    return done;
}
