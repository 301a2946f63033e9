/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virsh: see ../shell/shell.h for how it runs, README.md for what is where. */
#include "tools/virsh/virsh.h"

int main(int argc, char **argv)
{
    return shell_main(&virsh_program, argc, argv);
}
