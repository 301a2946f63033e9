/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt-lxc.so: functions that change the calling process itself. They need the container driver.
 */
#define ERROR_DOMAIN VIR_FROM_LXC
#include "base/error.h"
#include "lib/entry.h"
#include <libvirt/libvirt-lxc.h>

int virDomainLxcEnterNamespace(virDomainPtr domain, unsigned int nfdlist, int *fdlist, unsigned int *noldfdlist,
                               int **oldfdlist, unsigned int flags)
{
    virResetLastError();
    entry_unsupported(domain, __func__);
    return -1;
}

int virDomainLxcEnterSecurityLabel(virSecurityModelPtr model, virSecurityLabelPtr label, virSecurityLabelPtr oldlabel,
                                   unsigned int flags)
{
    virResetLastError();
    entry_unsupported(NULL, __func__);
    return -1;
}

int virDomainLxcEnterCGroup(virDomainPtr domain, unsigned int flags)
{
    virResetLastError();
    entry_unsupported(domain, __func__);
    return -1;
}
