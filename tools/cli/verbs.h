/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "options.h"

extern const struct verb verb_create, verb_insert, verb_delete, verb_knn, verb_radius, verb_graph, verb_net, verb_order, verb_vecchia,
    verb_kernel, verb_dump, verb_log, verb_info, verb_verify, verb_fsck;
extern const struct verb verb_show, verb_diff, verb_branch, verb_tag, verb_restore, verb_reset, verb_reflog, verb_bisect, verb_prune,
    verb_policy, verb_salvage, verb_scrub, verb_compact, verb_gc, verb_du, verb_readers;
extern const struct verb verb_bundle, verb_apply, verb_replay, verb_backup, verb_export, verb_import;

#endif
