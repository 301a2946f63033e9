/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions on secrets, for any driver whose connections have a table of them.
 */
#pragma once
#include "secret/host.h"

extern const SecretDriver secret_functions;
