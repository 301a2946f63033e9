/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of secrets: rules. The structs are generated (model/secret_def.h). Errors are the thread's error, of VIR_FROM_SECRET.
 */
#pragma once
#include "model/secret_def.h"

/** Add what a definition implies. Done twice it changes nothing more. */
void secret_def_complete(SecretDef *def);

/** One of virSecretUsageType. */
int secret_def_usage_type(const SecretDef *def);
/** What the secret is for; "" if it is for nothing in particular. Belongs to @def. */
const char *secret_def_usage_id(const SecretDef *def);
/** Text by which secrets for something are told apart; NULL: of such a type there is none. Caller frees. */
char *secret_usage_key(int usage_type, const char *usage_id);
/** Whether @def may take the place of @old. -1 with an error. */
int secret_def_check_replace(const SecretDef *def, const SecretDef *old);
