/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_POLICY_H
#define STORE_POLICY_H

#include "store/internal.h"

/*
 * A store's policy in its files: an entry of the table `meta`, the payload of the frame that set it (none: it was taken away), an entry of a base.
 * STORE_POLICY_BYTES, of which `due` is the catalogue's own business.
 */
enum { STORE_POLICY_BYTES = 64 };

int store_policy_is(const uint8_t *key, size_t key_bytes); /* whether an entry of `meta` is one */
int store_policy_rules(const struct store_policy *policy); /* 0: it has none, which is no policy */
void store_policy_encode(uint8_t bytes[STORE_POLICY_BYTES], const struct store_policy *policy);
int store_policy_decode(struct store_policy *policy, const uint8_t *bytes, size_t n_bytes); /* 0: it is none */

/* The version with which the next pruning is due when `left` versions are left now: writing these costs each commit until then at most two or three
 * records. */
uint64_t store_policy_next(uint64_t next_version, uint64_t left);

int store_policy_load(struct store_policy *policy, struct store_txn *txn, struct pcct_error *err); /* all zero: there is none */
int store_policy_save(struct store_txn *txn, const struct store_policy *policy, struct pcct_error *err);
/* What the frame of STORE_POLICY_SET did, done again; nothing, if it is damaged. */
int store_policy_redo(struct store_txn *txn, const struct store_record *record, struct pcct_error *err);

#endif
