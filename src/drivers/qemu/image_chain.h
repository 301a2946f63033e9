/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an image is based on, read from the image. Only what stands in an image whose format is known is believed: a raw image may hold
 * whatever its guest has written, headers included.
 */
#pragma once
#include "model/domain_def.h"

/** Complete the chain below the image of @disk, where the definition doesn't tell it: down to an image that is based on nothing, or to one
 * that only QEMU can look into (another protocol or format, no right to read it). 0; -1 with an error: an image below is missing, isn't
 * what it is said to be, or doesn't say what it is. */
int image_chain_complete(DomainDisk *disk);
