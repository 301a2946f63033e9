/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The driver that speaks RPC to a daemon. It serves every URI that no driver of this process serves.
 */
#pragma once

void remote_driver_register(void);
