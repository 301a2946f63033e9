/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virt-admin: see ../shell/shell.h for how it runs. */
#include "tools/virt-admin/virt_admin.h"

int main(int argc, char **argv)
{
    return shell_main(&virt_admin_program, argc, argv);
}
