/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FLUSHES_H
#define TESTS_SUPPORT_FLUSHES_H

/* Atomic: how often this process has asked for something to be brought to the disk, LMDB included. */
extern int support_flushes;

#endif
