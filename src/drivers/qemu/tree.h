/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/** Remove a folder of a run with all that QEMU may have left in it. Links are not followed; what is nested too deep stays. */
void qemu_remove_tree(const char *path);
