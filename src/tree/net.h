/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_NET_H
#define TREE_NET_H

#include "index/state.h"

/*
 * The net of level i: the nodes of level i and above, the root always, twins never.
 *
 * It is separated, by T3: any two of its nodes are more than 2^i apart. It covers, by T2: from a live point up to the first of its ancestors in the
 * net levels rise strictly and stay below i until then, so the way is at most 2^i + 2^(i-1) + ... < 2^(i+1). The root stands above every level:
 * alone it is the net of its own level and of all above. level: -1023 to 1023.
 */
size_t tree_net_count(const struct index_state *state, int level);
/* labels[tree_net_count], ascending. Errors: MEMORY. */
int tree_net(int64_t *labels, const struct index_state *state, int level, struct pcct_error *err);

#endif
